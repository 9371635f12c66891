#include "services/policy-engine/handlers/manage.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

policy::v1::ManageRequest get_policy() {
  policy::v1::ManageRequest request;
  request.mutable_get_policy();
  return request;
}

policy::v1::ManageRequest reload() {
  policy::v1::ManageRequest request;
  request.mutable_reload();
  return request;
}

TEST(ManageHandler, TellsAnAdminWhatIsLoaded) {
  PolicyFixture fixture;

  const auto reply = fixture.run((*fixture.manage)(get_policy(), fixture.context_of("root")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().policy_version(), 1U);
  EXPECT_EQ(reply.value().snapshot_hash(), policy_of(PolicyFixture::default_settings()).hash());
}

policy::v1::ManageRequest explain(
    const std::string& tool, const std::string& arguments = "", const std::string& key_id = "alice"
) {
  policy::v1::ManageRequest request;
  request.mutable_explain()->set_server("files");
  request.mutable_explain()->set_tool(tool);
  request.mutable_explain()->set_arguments(arguments);
  request.mutable_explain()->set_key_id(key_id);
  request.mutable_explain()->set_mode(policy::v1::MODE_MANUAL);
  return request;
}

std::string settings_with_rules(const std::string& rules) {
  std::string settings = PolicyFixture::default_settings();
  const std::string preset = R"("preset": "manual")";
  return settings.replace(
      settings.find(preset), preset.size(), preset + R"(, "rules": [)" + rules + "]"
  );
}

constexpr const char* kEtc =
    R"({"id": "etc", "verdict": "deny", "reason": "Not there.", "match": {"tool": "write_file",
        "arguments": [{"pointer": "/path", "prefix": "/etc", "path": true}]}},
       {"id": "others", "verdict": "approve", "match": {"caller": {"key_id": "root"}}})";

TEST(ManageHandler, ListsRulesWithoutKeysAndWarns) {
  PolicyFixture fixture(
      settings_with_rules(R"({"id": "a", "verdict": "deny"}, {"id": "b", "verdict": "deny"})")
  );

  const auto reply = fixture.run((*fixture.manage)(get_policy(), fixture.context_of("root")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_THAT(reply.value().policy(), HasSubstr(R"("rules":[{"id":"a")"));
  EXPECT_THAT(reply.value().policy(), Not(HasSubstr("alice")));
  EXPECT_EQ(reply.value().warnings_size(), 1);
}

TEST(ManageHandler, ReloadTakesTheFileOverAndADryRunDoesNot) {
  PolicyFixture fixture;
  const Policy next = policy_of(settings_with_rules(kEtc));
  fixture.settings_file.write({next, {"a warning"}});
  policy::v1::ManageRequest dry = reload();
  dry.mutable_reload()->set_dry_run(true);

  const auto checked = fixture.run((*fixture.manage)(dry, fixture.context_of("root")));
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked.value().policy_version(), 1U);
  EXPECT_EQ(checked.value().snapshot_hash(), next.hash());
  EXPECT_EQ(checked.value().warnings(0), "a warning");
  EXPECT_EQ(fixture.state.loaded()->version, 1U);

  const auto reloaded = fixture.run((*fixture.manage)(reload(), fixture.context_of("root")));
  ASSERT_THAT(reloaded, IsOk());
  EXPECT_EQ(reloaded.value().policy_version(), 2U);
  EXPECT_EQ(reloaded.value().warnings(0), "a warning");
  EXPECT_EQ(fixture.audit.records().back().action(), "policy.reload");
  EXPECT_EQ(fixture.audit.records().back().principal(), "key:root");
}

TEST(ManageHandler, FaultsOfTheFileAreAnsweredAndChangeNothing) {
  PolicyFixture fixture;
  fixture.settings_file.spoil(Error(Code::Invalid, "policy.rules[0].id: is missing"));

  const auto reply = fixture.run((*fixture.manage)(reload(), fixture.context_of("root")));

  ASSERT_THAT(reply, HasCode(Code::Invalid));
  EXPECT_EQ(reply.error().message(), "policy.rules[0].id: is missing");
  EXPECT_EQ(fixture.state.current().value()->version, 1U);
}

TEST(ManageHandler, ExplainsACallStepByStep) {
  PolicyFixture fixture(settings_with_rules(kEtc));

  const auto reply = fixture.run((*fixture.manage)(
      explain("write_file", R"({ "path": "/srv/../etc/x" })"), fixture.context_of("root")
  ));

  ASSERT_THAT(reply, IsOk());
  const policy::v1::Explanation& explanation = reply.value().explanation();
  EXPECT_EQ(explanation.verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(explanation.rule(), "rules.etc");
  EXPECT_EQ(explanation.reason(), "Not there.");
  ASSERT_EQ(explanation.steps_size(), 4);
  EXPECT_EQ(explanation.steps(0).rule(), "files.tools_to_execute");
  EXPECT_FALSE(explanation.steps(0).matched());
  EXPECT_EQ(explanation.steps(1).rule(), "preset.manual");
  EXPECT_EQ(explanation.steps(1).verdict(), policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(explanation.steps(2).rule(), "rules.etc");
  EXPECT_TRUE(explanation.steps(2).matched());
  EXPECT_EQ(explanation.steps(3).detail(), "it is for other keys than alice");
}

TEST(ManageHandler, ExplainsWithoutArgumentsAndForTheCallerItself) {
  PolicyFixture fixture(settings_with_rules(kEtc));

  const auto reply =
      fixture.run((*fixture.manage)(explain("write_file", "", ""), fixture.context_of("root")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().explanation().rule(), "rules.others");
  EXPECT_THAT(reply.value().explanation().steps(2).detail(), HasSubstr("not looked at"));
}

TEST(ManageHandler, ExplainRefusesWhatThereIsNot) {
  PolicyFixture fixture;

  const auto unknown =
      fixture.run((*fixture.manage)(explain("no_tool"), fixture.context_of("root")));
  ASSERT_THAT(unknown, IsOk());
  EXPECT_EQ(unknown.value().explanation().rule(), "catalog.unknown_tool");
  EXPECT_THAT(
      fixture.run((*fixture.manage)(explain("read_file", "", "nobody"), fixture.context_of("root"))
      ),
      HasCode(Code::NotFound)
  );
  EXPECT_THAT(
      fixture.run((*fixture.manage)(explain("read_file", "[1]"), fixture.context_of("root"))),
      HasCode(Code::Invalid)
  );
}

TEST(ManageHandler, ReloadOfAnEqualPolicyKeepsItsVersion) {
  PolicyFixture fixture;

  const auto reply = fixture.run((*fixture.manage)(reload(), fixture.context_of("root")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().policy_version(), 1U);
}

TEST(ManageHandler, RefusesWhoIsNoAdminAndWhatIsNoOperation) {
  PolicyFixture fixture;

  EXPECT_THAT(
      fixture.run((*fixture.manage)(get_policy(), fixture.context_of("alice"))),
      HasCode(Code::Denied)
  );
  EXPECT_THAT(
      fixture.run((*fixture.manage)(get_policy(), fixture.context_without_token())),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      fixture.run((*fixture.manage)(policy::v1::ManageRequest(), fixture.context_of("root"))),
      HasCode(Code::Invalid)
  );
}

}  // namespace
}  // namespace sluice::policy_engine
