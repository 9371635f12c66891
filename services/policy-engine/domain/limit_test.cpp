#include "services/policy-engine/domain/limit.h"

#include "services/policy-engine/testing/call_counters_contract.h"
#include "services/policy-engine/testing/fake_call_counters.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/json/canonical.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>

namespace sluice::policy_engine {
namespace {

using ::testing::HasSubstr;

class FakeRig {
 public:
  CallCounters& counters() { return counters_; }

  template <class T>
  Result<T> run(Async<T> operation) {
    return testing::run_sync(loop_, std::move(operation));
  }

  void pass(std::chrono::milliseconds time) { clock_.advance(time); }

 private:
  boost::asio::io_context loop_{1};
  testing::ManualClock clock_;
  FakeCallCounters counters_{&clock_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, CallCountersContract, FakeRig);

Policy policy_with(const std::string& limits) {
  return policy_of(R"({"policy": {"limits": [)" + limits + R"(]}, "mcp": {"client_configs": []}})");
}

policy::v1::CallerClaims caller(const std::string& key) {
  policy::v1::CallerClaims claims;
  claims.set_key_id(key);
  claims.set_principal("key:" + key);
  claims.set_tenant("default");
  return claims;
}

std::vector<LimitCounter> counters(
    const Policy& policy, const policy::v1::CallerClaims& claims, std::string_view tool
) {
  return counters_of(
      *policy.limits,
      {.server = "files",
       .tool = tool,
       .effect = policy::v1::EFFECT_CLASS_WRITE,
       .claims = &claims,
       .mode = policy::v1::MODE_MANUAL}
  );
}

TEST(Limit, CountsApartWhatItSays) {
  const Policy policy = policy_with(
      R"({"id": "a", "per": ["key", "tool"], "calls": 5, "window_s": 60},
         {"id": "b", "calls": 5, "window_s": 60})"
  );
  const auto ci = caller("ci");
  const auto bob = caller("bob");

  const auto one = counters(policy, ci, "write");
  const auto other_tool = counters(policy, ci, "move");
  const auto other_key = counters(policy, bob, "write");

  ASSERT_EQ(one.size(), 2U);
  EXPECT_EQ(one[0].subject, "key:ci files-write");
  EXPECT_EQ(one[1].subject, "all");
  EXPECT_EQ(one[0].key.size(), 32U);
  EXPECT_NE(one[0].key, one[1].key);
  EXPECT_NE(one[0].key, other_tool[0].key);
  EXPECT_NE(one[0].key, other_key[0].key);
  EXPECT_EQ(one[1].key, other_tool[1].key);
  EXPECT_EQ(one[1].key, other_key[1].key);
}

TEST(Limit, MatchesAsRulesDo) {
  const Policy policy = policy_with(
      R"({"id": "deletes", "match": {"effect_class": "delete"}, "calls": 1, "window_s": 1},
         {"id": "agents", "match": {"mode": "agent"}, "calls": 1, "window_s": 1},
         {"id": "ci", "match": {"caller": {"key_id": "ci"}, "server": "files", "tool": "write"},
          "at_once": 1})"
  );
  const auto ci = caller("ci");

  const auto found = counters(policy, ci, "write");

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].limit->id, "ci");
  EXPECT_TRUE(counters(policy, ci, "move").empty());
  EXPECT_TRUE(counters(policy, caller("bob"), "write").empty());
}

TEST(Limit, IsPartOfThePolicysHashAndListing) {
  const std::string one = R"({"id": "a", "per": ["tool", "key"], "calls": 5, "window_s": 60})";
  const std::string same = R"({"id": "a", "per": ["key", "tool"], "calls": 5, "window_s": 60})";
  const std::string other = R"({"id": "a", "per": ["key", "tool"], "calls": 6, "window_s": 60})";

  EXPECT_EQ(policy_with(one).hash(), policy_with(same).hash());
  EXPECT_NE(policy_with(one).hash(), policy_with(other).hash());
  EXPECT_NE(policy_with(one).hash(), policy_with("").hash());
  EXPECT_THAT(policy_with(one).listing(), HasSubstr(R"("limits":[{"calls":5,"id":"a")"));
}

TEST(Limit, SaysWhatIsUsedUpAndWhenToTryAgain) {
  Limit limit = limit_of("a", 5, 60'000, 3);
  limit.reason = "writes are dear";

  EXPECT_EQ(
      limit_reason(limit, "key:ci", false, 11'500),
      "writes are dear: 5 calls in 60 s (key:ci) are used up: try again in 12 s"
  );
  EXPECT_THAT(limit_reason(limit, "key:ci", true, 1'000), HasSubstr("3 calls (key:ci)"));
}

}  // namespace
}  // namespace sluice::policy_engine
