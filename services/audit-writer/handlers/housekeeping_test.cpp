#include "services/audit-writer/handlers/housekeeping.h"

#include "services/audit-writer/limits.h"
#include "services/audit-writer/testing/builders.h"
#include "services/audit-writer/testing/fake_audit_store.h"
#include "services/audit-writer/testing/loop_fixture.h"

#include "common/testing/fault_plan.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

TEST(Housekeeping, MakesTodayAndTomorrowAndRemovesOldResults) {
  FakeAuditStore store;
  testing::ManualClock clock;
  EventLog log;
  Housekeeping housekeeping(&store, &clock, &log);

  ASSERT_THAT(sluice::testing::run_sync(housekeeping.round()), sluice::testing::IsOk());

  const auto today = static_cast<std::int32_t>(clock.unix_ms() / 86'400'000);
  EXPECT_EQ(store.partitions, (std::vector<std::int32_t>{today, today + 1}));
  EXPECT_EQ(store.expirations, 1);
}

TEST(Housekeeping, ADatabaseThatIsSlowAtTheStartIsAskedAgain) {
  FakeAuditStore store;
  testing::ManualClock clock;
  EventLog log;
  Housekeeping housekeeping(&store, &clock, &log);
  store.fail_next(1, Code::Deadline);

  EXPECT_THAT(
      sluice::testing::run_sync(housekeeping.begin()), sluice::testing::HasCode(Code::Unavailable)
  );
  EXPECT_THAT(sluice::testing::run_sync(housekeeping.begin()), sluice::testing::IsOk());
  EXPECT_EQ(store.expirations, 1);
}

TEST(Housekeeping, GoesOnAfterAFailure) {
  FakeAuditStore store;
  LoopFixture world;
  Housekeeping housekeeping(&store, &world.clock, &world.log);
  const LoopFixture::Stop stop(&world);
  store.fail_next(1, Code::Unavailable);
  world.tasks.spawn("housekeeping", housekeeping.run());
  world.settle();

  world.pass(kHousekeeping);
  EXPECT_TRUE(world.log.has("housekeeping-failed"));
  EXPECT_EQ(store.expirations, 0);
  world.pass(kHousekeeping);

  EXPECT_EQ(store.expirations, 1);
}

TEST(Housekeeping, ReportsEveryFailure) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    FakeAuditStore store(&plan);
    testing::ManualClock clock;
    EventLog log;
    Housekeeping housekeeping(&store, &clock, &log);
    EXPECT_EQ(sluice::testing::run_sync(housekeeping.round()).ok(), !plan.fired());
  });

  EXPECT_EQ(faults, 2);
}

}  // namespace
}  // namespace sluice::audit_writer
