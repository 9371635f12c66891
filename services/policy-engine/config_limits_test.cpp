#include "services/policy-engine/config.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string faults_of(const std::string& limits) {
  auto document = config::Document::from_text(R"({"policy": {"limits": )" + limits + "}}", {});
  EXPECT_TRUE(document.ok());
  static_cast<void>(read_policy(document.value()));
  const auto finished = document.value().finish();
  return finished.ok() ? "" : finished.error().message();
}

TEST(ConfigLimits, ReadsALimitWithItsDefaults) {
  const Policy policy = policy_of(R"({"policy": {"limits": [
      {"id": "writes", "match": {"server": "files", "effect_class": ["write", "delete"]},
       "per": ["key", "tool"], "calls": 100, "window_s": 3600, "reason": "ask the team"},
      {"id": "slow", "at_once": 4}]}})");

  ASSERT_EQ(policy.limits->size(), 2U);
  const Limit& writes = policy.limits->front();
  EXPECT_EQ(writes.calls, 100U);
  EXPECT_EQ(writes.window_ms, 3'600'000);
  EXPECT_EQ(writes.at_once, 0U);
  EXPECT_EQ(writes.per, (std::set<CountedPer>{CountedPer::Key, CountedPer::Tool}));
  EXPECT_TRUE(writes.match.servers->contains("files"));
  EXPECT_EQ(writes.reason, "ask the team");
  EXPECT_EQ(policy.limits->back().at_once, 4U);
  EXPECT_EQ(policy.limits->back().longest_call_ms, 300'000);
  EXPECT_EQ(policy.limits->back().calls, 0U);
}

TEST(ConfigLimits, TellsAllFaultsAtOnce) {
  const std::string faults = faults_of(R"([
      {"id": "a b", "calls": 5, "window_s": 60},
      {"id": "b", "per": ["colour"], "calls": 5},
      {"id": "c"},
      {"id": "c", "window_s": 60},
      {"id": "d", "calls": 0, "window_s": 60},
      {"id": "e", "calls": 100001, "window_s": 2592001, "at_once": 1001},
      {"id": "f", "at_once": 1, "longest_call_s": 0, "colour": 1},
      {"id": "g", "at_once": 1, "match": {"server": [], "mode": "night"}}])");

  for (const char* fault :
       {"policy.limits[0].id: does not match",
        R"(policy.limits[1].per: holds the unknown name "colour")",
        "policy.limits[1].window_s: is missing",
        "policy.limits[2]: says no number",
        "policy.limits[3].calls: is missing",
        "policy.limits[3].id: is used by another limit",
        "policy.limits[4].calls: is 0",
        "policy.limits[5].calls",
        "policy.limits[5].window_s",
        "policy.limits[5].at_once",
        "policy.limits[6].longest_call_s",
        "policy.limits[6].colour",
        "policy.limits[7].match.server: is empty",
        R"(policy.limits[7].match.mode: holds the unknown name "night")"}) {
    EXPECT_THAT(faults, HasSubstr(fault));
  }
}

TEST(ConfigLimits, TakesABoundedNumber) {
  const auto many = [](int number) {
    std::string limits;
    for (int i = 0; i < number; ++i) {
      limits += (i == 0 ? "" : ",") + std::string(R"({"id": "l)") + std::to_string(i) +
                R"(", "at_once": 1})";
    }
    return "[" + limits + "]";
  };

  EXPECT_EQ(faults_of(many(200)), "");
  EXPECT_THAT(faults_of(many(201)), HasSubstr("policy.limits: has more than 200 limits"));
}

}  // namespace
}  // namespace sluice::policy_engine
