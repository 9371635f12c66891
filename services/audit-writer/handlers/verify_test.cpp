#include "services/audit-writer/handlers/verify.h"

#include "services/audit-writer/testing/builders.h"
#include "services/audit-writer/testing/fake_audit_store.h"

#include "common/audit/testing/recording_client.h"
#include "common/testing/fault_plan.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

struct VerifyFixture {
  explicit VerifyFixture(testing::FaultPlan* faults = nullptr) : store(faults), audit(faults) {}

  Result<audit::v1::VerifyReply> verify(const std::string& role) {
    return sluice::testing::run_sync(handler({}, callers.context("key:a", role, clock.unix_ms())));
  }

  FakeAuditStore store;
  audit::RecordingClient audit;
  testing::ManualClock clock;
  TestCallers callers;
  VerifyHandler handler{{&store, &callers.keys(), &audit, &clock}};
};

TEST(VerifyHandler, ListsGapsPerProducer) {
  VerifyFixture fixture;
  fixture.store.verify_answer = {.records = 10, .gaps = {{"ingress", "ingress-1", 7, 3, 4}}};

  const auto reply = fixture.verify("admin");

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().records(), 10U);
  ASSERT_EQ(reply.value().gaps_size(), 1);
  EXPECT_EQ(reply.value().gaps(0).instance(), "ingress-1");
  EXPECT_EQ(reply.value().gaps(0).first_missing(), 3U);
  EXPECT_EQ(reply.value().gaps(0).last_missing(), 4U);
  EXPECT_EQ(fixture.audit.with_action("service.trail_verified").size(), 1U);
}

TEST(VerifyHandler, NeedsTheRoleAdmin) {
  VerifyFixture fixture;

  EXPECT_THAT(fixture.verify("caller"), HasCode(Code::Denied));
  EXPECT_THAT(sluice::testing::run_sync(fixture.handler({}, {})), HasCode(Code::Unauthenticated));
}

TEST(VerifyHandler, ReportsEveryFailure) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    VerifyFixture fixture(&plan);
    EXPECT_EQ(fixture.verify("admin").ok(), !plan.fired());
  });

  EXPECT_EQ(faults, 3);
}

}  // namespace
}  // namespace sluice::audit_writer
