// policy.rules: what is taken, and that every fault is told with its place.
#include "services/policy-engine/config.h"
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace sluice::policy_engine {
namespace {

using ::testing::HasSubstr;

std::string faults_of(const std::string& rules) {
  auto document = config::Document::from_text(R"({"policy": {"rules": )" + rules + "}}", {});
  EXPECT_THAT(document, testing::IsOk());
  static_cast<void>(read_policy(document.value()));
  const auto finished = document.value().finish();
  return finished.ok() ? "" : finished.error().message();
}

std::string faults_of_condition(const std::string& members) {
  return faults_of(
      R"([{"id": "r", "verdict": "deny", "match": {"arguments": [{)" + members + "}]}}]"
  );
}

TEST(ConfigRules, EveryFaultIsToldWithItsPlace) {
  const std::string faults = faults_of(R"([
      {"id": "a b", "verdict": "allow", "match": {"server": [], "tool": 5, "effect_class": "wipe", "mode": ["x"]}},
      {"id": "twice", "verdict": "deny", "match": {"servers": "files", "caller": {"user": "x"}}},
      {"id": "twice", "verdict": "deny", "match": {"arguments": [
          {"pointer": "path", "prefix": "/etc"}, {"pointer": "/a", "regex": "("}, {"pointer": "/a"},
          {"pointer": "/a", "equals": 1, "in": [1]}, {"pointer": "/a~3", "exists": true}]}},
      {"match": {"arguments": [{"prefix": 5}, {"pointer": "/n", "range": {"min": 2, "max": 1}}, {"pointer": "/n", "range": {}},
          {"pointer": "/n", "range": {"min": "1"}}, {"pointer": "/n", "in": []}, {"pointer": "/n", "exists": 1},
          {"pointer": "/n", "regex": "x", "path": true}, {"pointer": "/n", "exists": true, "not": true}]}}])"
  );

  for (const char* fault :
       {"policy.rules[0].id: ",
        "policy.rules[0].verdict: ",
        "policy.rules[0].match.server: ",
        "policy.rules[0].match.tool: ",
        "policy.rules[0].match.effect_class: holds the unknown name \"wipe\"",
        "policy.rules[0].match.mode: ",
        "policy.rules[1].match.servers: ",
        "policy.rules[1].match.caller.user: ",
        "policy.rules[2].id: is used by another rule",
        "policy.rules[2].match.arguments[0].pointer: ",
        "policy.rules[2].match.arguments[1].regex: is no pattern of RE2",
        "policy.rules[2].match.arguments[2]: says nothing",
        "policy.rules[2].match.arguments[3]: says several things",
        "policy.rules[2].match.arguments[4].pointer: ",
        "policy.rules[3].id: is missing",
        "policy.rules[3].verdict: is missing",
        "policy.rules[3].match.arguments[0].pointer: is missing",
        "policy.rules[3].match.arguments[0].prefix: is no text",
        "policy.rules[3].match.arguments[1].range: has a min above its max",
        "policy.rules[3].match.arguments[2].range: ",
        "policy.rules[3].match.arguments[3].range: ",
        "policy.rules[3].match.arguments[4].in: ",
        "policy.rules[3].match.arguments[5].exists: ",
        "policy.rules[3].match.arguments[6].path: ",
        "policy.rules[3].match.arguments[7].not: "}) {
    EXPECT_THAT(faults, HasSubstr(fault));
  }
}

TEST(ConfigRules, LimitsHold) {
  const auto repeated = [](std::size_t count, const std::string& piece) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      out += piece;
    }
    return out;
  };

  EXPECT_EQ(
      faults_of_condition(
          R"("pointer": ")" + repeated(kPointerDepthMax, "/a") + R"(", "equals": 1)"
      ),
      ""
  );
  EXPECT_THAT(
      faults_of_condition(
          R"("pointer": ")" + repeated(kPointerDepthMax + 1, "/a") + R"(", "equals": 1)"
      ),
      HasSubstr("deeper")
  );
  EXPECT_THAT(
      faults_of_condition(
          R"("pointer": "/a", "regex": ")" + repeated(kPatternBytesMax + 1, "x") + "\""
      ),
      HasSubstr("longer")
  );
  EXPECT_THAT(
      faults_of_condition(R"("pointer": "/a", "regex": "((a{100}){100}){100}")"), HasSubstr("RE2")
  );
  EXPECT_THAT(
      faults_of_condition(
          R"("pointer": "/a", "equals": ")" + repeated(kConditionValueBytesMax, "x") + "\""
      ),
      HasSubstr("larger")
  );
  EXPECT_THAT(
      faults_of(
          "[" + repeated(kRulesMax, R"({"id": "r", "verdict": "deny"},)") +
          R"({"id": "s", "verdict": "deny"}])"
      ),
      HasSubstr("policy.rules: has more than")
  );
}

TEST(ConfigRules, TheyArePartOfThePolicysHash) {
  const auto hash_of = [](const std::string& rules) {
    return policy_of(R"({"policy": {"rules": [)" + rules + "]}}").hash();
  };
  const std::string a = R"({"id": "a", "verdict": "deny", "match": {"tool": ["x", "y"]}})";
  const std::string same = R"({"match": {"tool": ["y", "x"]}, "verdict": "deny", "id": "a"})";
  const std::string b = R"({"id": "b", "verdict": "deny"})";

  EXPECT_EQ(hash_of(a), hash_of(same));
  EXPECT_NE(hash_of(a), hash_of(""));
  EXPECT_NE(
      hash_of(a), hash_of(R"({"id": "a", "verdict": "approve", "match": {"tool": ["x", "y"]}})")
  );
  EXPECT_NE(hash_of(a + "," + b), hash_of(b + "," + a));
}

TEST(ConfigRules, TheListingIsWhatWasWrittenWithoutKeys) {
  const Policy policy = policy_of(
      R"({"policy": {"rules": [{"id": "a", "verdict": "deny", "match": {"tool": "x", "arguments": [
          {"pointer": "/n", "range": {"max": 1.50}}]}}]}, "auth": {"keys": [)" +
      key_entry("alice") + "]}}"
  );

  EXPECT_EQ(
      policy.listing(),
      R"({"limits":[],"preset":"manual","rules":[{"id":"a","match":{"arguments":[{"pointer":"/n","range":{"max":1.5}}],"tool":["x"]},)"
      R"("reason":"","verdict":"deny"}],"servers":{},"tool_pins":"first_use"})"
  );
}

TEST(ConfigRules, AReloadReadsTheFileAsItIsNowAndTellsABoundedNumberOfFaults) {
  const std::string path = ::testing::TempDir() + "sluice-reload.json";
  const auto read = [&path](const std::string& text) {
    std::ofstream(path) << text;
    return read_settings({path, {}});
  };
  std::string rules;
  for (std::size_t i = 0; i < kFaultsToldMax + 5; ++i) {
    rules += std::string(i == 0 ? "" : ",") + R"({"verdict": "deny"})";
  }

  const auto good = read(
      R"({"policy": {"rules": [{"id": "a", "verdict": "deny"}]}, "providers": {"x": {"key": "env.UNSET"}}})"
  );
  ASSERT_THAT(good, testing::IsOk());
  EXPECT_EQ(good.value().policy.rules->rules().size(), 1U);

  const auto faulty = read(R"({"postgres": {"port": "x"}, "policy": {"rules": [)" + rules + "]}}");
  ASSERT_THAT(faulty, testing::HasCode(Code::Invalid));
  const std::string& told = faulty.error().message();
  EXPECT_THAT(told, HasSubstr("postgres.port"));
  EXPECT_THAT(told, HasSubstr(" more"));
  EXPECT_EQ(static_cast<std::size_t>(std::count(told.begin(), told.end(), '\n')), kFaultsToldMax);

  EXPECT_THAT(read_settings({"/no/such/file", {}}), testing::HasCode(Code::Invalid));
  EXPECT_THAT(read_settings({"", {}}), testing::HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::policy_engine
