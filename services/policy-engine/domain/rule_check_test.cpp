#include "services/policy-engine/domain/rule_check.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Server "files" offers read_file, write_file and delete_file.
std::vector<std::string> warnings(const std::string& rules, const std::string& server = "") {
  const Policy policy = policy_of(
      R"({"policy": {"preset": "manual", "rules": [)" + rules +
      R"(]}, "mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", "tools_to_execute": ["*"])" +
      server + R"(}]}, "auth": {"keys": [)" + key_entry("alice") + "]}}"
  );
  FakeToolServers servers;
  for (const char* tool : {"read_file", "write_file", "delete_file"}) {
    servers.put("files", tool);
  }
  const auto reply = testing::run_sync(servers.catalog({}, RequestContext()));
  const auto catalog = Catalog::from(reply.value());
  return rule_warnings(policy, catalog.value().get());
}

std::string deny(const std::string& id, const std::string& match) {
  return R"({"id": ")" + id + R"(", "verdict": "deny", "match": {)" + match + "}}";
}

std::string conditions(const std::string& elements) {
  return deny("r", R"("arguments": [)" + elements + "]");
}

TEST(RuleCheck, SaysNothingOfRulesThatDoSomething) {
  EXPECT_THAT(
      warnings(
          deny(
              "a", R"("tool": "write_file", "arguments": [{"pointer": "/path", "prefix": "/etc"}])"
          ) +
          R"(, {"id": "b", "verdict": "approve", "match": {"server": "files", "effect_class": "delete"}})"
      ),
      IsEmpty()
  );
}

TEST(RuleCheck, NamesWhatThereIsNot) {
  EXPECT_THAT(
      warnings(deny("a", R"("server": ["files", "flies"])")),
      ElementsAre(StartsWith("rules.a names the server \"flies\""))
  );
  EXPECT_THAT(
      warnings(deny("a", R"("tool": ["write_file", "wriet_file"])")),
      ElementsAre(StartsWith("rules.a names the tool \"wriet_file\""))
  );
  EXPECT_THAT(
      warnings(deny("a", R"("tool": "write_file", "caller": {"key_id": ["alice", "bob"]})")),
      ElementsAre(StartsWith("rules.a names the key \"bob\""))
  );
}

TEST(RuleCheck, SeesConditionsThatExcludeEachOther) {
  for (const char* elements :
       {R"({"pointer": "/p", "equals": "a"}, {"pointer": "/p", "equals": "b"})",
        R"({"pointer": "/p", "in": ["/a", "/b"]}, {"pointer": "/p", "prefix": "/etc"})",
        R"({"pointer": "/p", "equals": "a"}, {"pointer": "/p", "equals": "a", "not": true})",
        R"({"pointer": "/p", "range": {"max": 1}}, {"pointer": "/p", "range": {"min": 2}})",
        R"({"pointer": "/p", "exists": false}, {"pointer": "/p", "glob": "*"})"}) {
    EXPECT_THAT(warnings(conditions(elements)), ElementsAre(HasSubstr("can never match")))
        << elements;
  }
  for (const char* elements :
       {R"({"pointer": "/p", "equals": "a"}, {"pointer": "/q", "equals": "b"})",
        R"({"pointer": "/p/*", "equals": "a"}, {"pointer": "/p/*", "equals": "b"})",
        R"({"pointer": "/p", "in": ["/a", "/etc/b"]}, {"pointer": "/p", "prefix": "/etc"})",
        R"({"pointer": "/p", "range": {"max": 2}}, {"pointer": "/p", "range": {"min": 2}})"}) {
    EXPECT_THAT(warnings(conditions(elements)), IsEmpty()) << elements;
  }
}

TEST(RuleCheck, SeesRulesThatOthersCover) {
  const std::string narrow = deny(
      "narrow",
      R"("tool": "write_file", "mode": "agent", "arguments": [{"pointer": "/p", "equals": 1}, {"pointer": "/q", "equals": 1}])"
  );

  EXPECT_THAT(
      warnings(
          deny(
              "wide",
              R"("tool": ["write_file", "read_file"], "arguments": [{"pointer": "/p", "equals": 1}])"
          ) +
          "," + narrow
      ),
      ElementsAre(StartsWith("rules.narrow changes nothing: rules.wide"))
  );
  EXPECT_THAT(
      warnings(
          R"({"id": "mild", "verdict": "approve", "match": {"tool": ["write_file"]}},)" + narrow
      ),
      IsEmpty()
  );
  EXPECT_THAT(
      warnings(narrow + "," + deny("other", R"("tool": "write_file", "mode": "code")")), IsEmpty()
  );
  EXPECT_THAT(warnings(deny("tools", R"("tool": "*")") + "," + deny("all", "")), IsEmpty());
}

TEST(RuleCheck, SeesRulesNoStricterThanWhatIsAnyway) {
  const std::string manual = R"({"id": "m", "verdict": "manual", "match": {"tool": "*"}})";

  EXPECT_THAT(warnings(manual), ElementsAre(StartsWith("rules.m changes nothing: whatever")));
  EXPECT_THAT(warnings(manual, R"(, "tools_to_auto_execute": ["read_file"])"), IsEmpty());
  EXPECT_THAT(
      warnings(manual, R"(, "tools_to_auto_execute": ["read_file"], "disabled": true)"), SizeIs(1)
  );
}

TEST(RuleCheck, SeesLimitsThatCountNothing) {
  const auto limit = [](const std::string& match) {
    return R"(, "limits": [{"id": "l", "at_once": 1, "match": {)" + match + "}}]";
  };
  const auto told = [](const std::string& limits) {
    const Policy policy = policy_of(
        R"({"policy": {"preset": "manual")" + limits +
        R"(}, "mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", "tools_to_execute": ["*"]}]}})"
    );
    FakeToolServers servers;
    servers.put("files", "write_file");
    const auto reply = testing::run_sync(servers.catalog({}, RequestContext()));
    const auto catalog = Catalog::from(reply.value());
    return rule_warnings(policy, catalog.value().get());
  };

  EXPECT_THAT(told(limit(R"("tool": "write_file")")), IsEmpty());
  EXPECT_THAT(
      told(limit(R"("effect_class": "delete")")), ElementsAre(StartsWith("limits.l counts nothing"))
  );
  EXPECT_THAT(told(limit(R"("tool": "made_up")")), SizeIs(2));
  EXPECT_THAT(
      told(limit(R"("caller": {"key_id": "nobody"})")),
      ElementsAre(StartsWith("limits.l names the key \"nobody\""))
  );
  EXPECT_THAT(
      told(limit(R"("arguments": [{"pointer": "/a", "equals": 1}, {"pointer": "/a", "equals": 2}])")
      ),
      ElementsAre(StartsWith("limits.l can never match"))
  );
}

TEST(RuleCheck, AServerThatIsNotConnectedMayOfferAnything) {
  const Policy policy = policy_of(
      R"({"policy": {"rules": [)" + deny("a", R"("tool": "x")") +
      R"(]}, "mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", "tools_to_execute": ["*"]}]}})"
  );
  const Catalog empty;

  EXPECT_THAT(rule_warnings(policy, &empty), IsEmpty());
  EXPECT_THAT(rule_warnings(policy, nullptr), IsEmpty());
}

TEST(RuleCheck, TellsNoMoreThanTheBound) {
  std::string rules;
  for (std::size_t i = 0; i <= kRuleWarningsMax; ++i) {
    rules += (i == 0 ? "" : ",") + deny("r" + std::to_string(i), R"("tool": "none")");
  }

  EXPECT_THAT(warnings(rules), SizeIs(kRuleWarningsMax));
}

}  // namespace
}  // namespace sluice::policy_engine
