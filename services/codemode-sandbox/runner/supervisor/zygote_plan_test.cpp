#include "services/codemode-sandbox/runner/supervisor/zygote_plan.h"

#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

TEST(ZygotePlan, OrdersWhatIsMissingOfTheIdleOnes) {
  const ZygotePlan plan(4);

  EXPECT_EQ(plan.to_order(0, 0, 0), 4U);
  EXPECT_EQ(plan.to_order(1, 2, 0), 1U);
  EXPECT_EQ(plan.to_order(4, 0, 0), 0U);
  EXPECT_EQ(plan.to_order(7, 1, 0), 0U);
}

TEST(ZygotePlan, OrdersForThoseWhoWaitToo) {
  const ZygotePlan plan(4);

  EXPECT_EQ(plan.to_order(0, 2, 3), 5U);
}

TEST(ZygotePlan, NeverOrdersMoreThanAZygoteMayOwe) {
  const ZygotePlan plan(4);

  EXPECT_EQ(plan.to_order(0, 0, 1'000), kSpawnsPendingMax);
  EXPECT_EQ(plan.to_order(0, kSpawnsPendingMax, 1'000), 0U);
  EXPECT_EQ(plan.to_order(0, kSpawnsPendingMax + 1, 1'000), 0U);
}

TEST(ZygotePlan, IsUsedUpAfterItsShareUntilAFreshOneIsWarm) {
  ZygotePlan plan(4, 10);
  plan.ordered(9);
  EXPECT_FALSE(plan.used_up());

  plan.ordered(1);
  EXPECT_TRUE(plan.used_up());

  plan.warm();
  EXPECT_FALSE(plan.used_up());
}

TEST(ZygotePlan, WaitsLongerAfterEachDeathUpToABound) {
  ZygotePlan plan(4);
  EXPECT_EQ(plan.restart_at(kStart), kStart + kRestartWaitMin);
  EXPECT_EQ(plan.restart_at(kStart), kStart + 2 * kRestartWaitMin);
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(plan.restart_at(kStart));
  }
  EXPECT_EQ(plan.restart_at(kStart), kStart + kRestartWaitMax);

  plan.warm();

  EXPECT_EQ(plan.restart_at(kStart), kStart + kRestartWaitMin);
}

}  // namespace
}  // namespace sluice::codemode_runner
