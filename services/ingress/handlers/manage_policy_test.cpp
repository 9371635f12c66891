#include "services/ingress/handlers/manage_policy.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/base/bytes.h"
#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class ManagePolicyHandlerTest : public ::testing::Test {
 protected:
  ManagePolicyHandlerTest() {
    fixture.policy.manage_reply.set_policy_version(7);
    fixture.policy.manage_reply.set_snapshot_hash(std::string(32, '\x01'));
  }

  static http::HttpRequest request(const std::string& body, const std::string& key = "sk-admin") {
    return IngressFixture::request(body, key);
  }

  static json::Value body_of(const Result<http::HttpResponse>& response) {
    EXPECT_THAT(response, IsOk());
    return response.ok() ? json::parse(response.value().body).value() : json::Value();
  }

  [[nodiscard]] const policy::v1::ManageRequest& sent() const {
    return fixture.policy.managed.back().first;
  }

  IngressFixture fixture;
  ManagePolicyHandler& handler = fixture.manage_policy;
};

TEST_F(ManagePolicyHandlerTest, ShowsThePolicyInForce) {
  fixture.policy.manage_reply.set_policy(R"({"preset":"safe","rules":[],"servers":{}})");
  fixture.policy.manage_reply.add_warnings("rules.a changes nothing");

  const auto body = body_of(fixture.run(handler.show(request(""), fixture.context())));

  EXPECT_TRUE(sent().has_get_policy());
  EXPECT_EQ(body.find("policy_version")->as_int(), 7);
  EXPECT_EQ(body.text_or("snapshot_hash", ""), to_hex(std::string(32, '\x01')));
  EXPECT_EQ(body.find("policy")->text_or("preset", ""), "safe");
  EXPECT_EQ(*body.find("warnings")->as_array()->front().as_string(), "rules.a changes nothing");
}

TEST_F(ManagePolicyHandlerTest, ShowsWhatLimitsHaveCounted) {
  auto* const limit = fixture.policy.manage_reply.add_limits();
  limit->set_id("writes");
  auto* const calls = limit->add_counters();
  calls->set_subject("key:ci");
  calls->set_taken(3);
  calls->set_calls(5);
  calls->set_frees_unix_ms(1'767'323'045'000);
  auto* const at_once = limit->add_counters();
  at_once->set_subject("key:ci");
  at_once->set_taken(1);
  at_once->set_calls(2);
  at_once->set_at_once(true);

  const auto shown = fixture.run(handler.limits(request(""), fixture.context()));

  EXPECT_TRUE(sent().has_list_limits());
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(
      shown.value().body,
      R"({"policy_version":7,"limits":[{"id":"writes","counters":[{"subject":"key:ci","counts":"calls","taken":3,"of":5,)"
      R"("frees_at":"2026-01-02T03:04:05.000Z"},{"subject":"key:ci","counts":"at_once","taken":1,"of":2}]}]})"
  );
  EXPECT_THAT(
      fixture.run(handler.limits(request("", "sk-user"), fixture.context())), HasCode(Code::Denied)
  );
}

TEST_F(ManagePolicyHandlerTest, ReloadsOrOnlyChecks) {
  const auto body = body_of(fixture.run(handler.reload(request(""), fixture.context())));
  EXPECT_TRUE(sent().has_reload());
  EXPECT_FALSE(sent().reload().dry_run());
  EXPECT_EQ(body.find("dry_run")->as_bool(), false);

  EXPECT_THAT(
      fixture.run(handler.reload(request(R"({"dry_run":true})"), fixture.context())), IsOk()
  );
  EXPECT_TRUE(sent().reload().dry_run());
}

TEST_F(ManagePolicyHandlerTest, ExplainsACall) {
  auto* const explanation = fixture.policy.manage_reply.mutable_explanation();
  explanation->set_verdict(policy::v1::VERDICT_APPROVE_TWICE);
  explanation->set_effect_class(policy::v1::EFFECT_CLASS_DELETE);
  explanation->set_rule("rules.a");
  auto* const step = explanation->add_steps();
  step->set_rule("preset.safe");
  step->set_matched(true);
  step->set_verdict(policy::v1::VERDICT_APPROVE);

  const auto body = body_of(fixture.run(handler.explain(
      request(
          R"({"server":"files","tool":"rm","arguments":{"b":1,"a":2.0},"mode":"agent","key_id":"k"})"
      ),
      fixture.context()
  )));

  EXPECT_EQ(sent().explain().server(), "files");
  EXPECT_EQ(sent().explain().arguments(), R"({"a":2,"b":1})");
  EXPECT_EQ(sent().explain().mode(), policy::v1::MODE_AGENT);
  EXPECT_EQ(sent().explain().key_id(), "k");
  EXPECT_EQ(body.text_or("verdict", ""), "approve_twice");
  EXPECT_EQ(body.text_or("effect_class", ""), "delete");
  EXPECT_EQ(body.text_or("rule", ""), "rules.a");
  EXPECT_EQ(body.find("steps")->as_array()->front().text_or("verdict", ""), "approve");
}

TEST_F(ManagePolicyHandlerTest, RefusesBodiesItDoesNotKnow) {
  for (const char* body :
       {"[]",
        R"({"server":"a"})",
        R"({"server":"a","tool":5})",
        R"({"server":"a","tool":"b","mode":"x"})",
        R"({"server":"a","tool":"b","arguments":"{}"})",
        R"({"server":"a","tool":"b","args":{}})"}) {
    EXPECT_THAT(
        fixture.run(handler.explain(request(body), fixture.context())), HasCode(Code::Invalid)
    ) << body;
  }
  EXPECT_THAT(
      fixture.run(handler.reload(request(R"({"dry_run":1})"), fixture.context())),
      HasCode(Code::Invalid)
  );
  EXPECT_TRUE(fixture.policy.managed.empty());
}

TEST_F(ManagePolicyHandlerTest, IsForAdminsOnly) {
  EXPECT_THAT(
      fixture.run(handler.show(request("", "sk-user"), fixture.context())), HasCode(Code::Denied)
  );
  EXPECT_THAT(
      fixture.run(handler.reload(request("", ""), fixture.context())),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_TRUE(fixture.policy.managed.empty());
}

}  // namespace
}  // namespace sluice::ingress
