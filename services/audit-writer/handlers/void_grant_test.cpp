#include "services/audit-writer/handlers/void_grant.h"

#include "services/audit-writer/testing/fake_audit_store.h"

#include "common/testing/fault_plan.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

Result<audit::v1::VoidGrantReply> void_grant(FakeAuditStore& store, const std::string& id) {
  VoidGrantHandler handler(&store);
  audit::v1::VoidGrantRequest request;
  request.set_grant_id(id);
  return sluice::testing::run_sync(handler(request, {}));
}

TEST(VoidGrantHandler, VoidsAnUnusedGrantOnceAndForEver) {
  FakeAuditStore store;

  const auto first = void_grant(store, "grant-1");
  const auto second = void_grant(store, "grant-1");

  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first.value().voided());
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second.value().voided());
}

TEST(VoidGrantHandler, SaysWhichIntentUsedIt) {
  FakeAuditStore store;
  store.grants["grant-1"] = "event-1";

  const auto reply = void_grant(store, "grant-1");

  ASSERT_THAT(reply, IsOk());
  EXPECT_FALSE(reply.value().voided());
  EXPECT_EQ(reply.value().used_by_event_id(), "event-1");
}

TEST(VoidGrantHandler, NeedsAGrantId) {
  FakeAuditStore store;

  EXPECT_THAT(void_grant(store, ""), HasCode(Code::Invalid));
  EXPECT_THAT(void_grant(store, std::string(65, 'x')), HasCode(Code::Invalid));
}

TEST(VoidGrantHandler, ReportsEveryFailureOfTheDatabase) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    FakeAuditStore store(&plan);
    const auto reply = void_grant(store, "grant-1");
    EXPECT_EQ(reply.ok(), !plan.fired());
  });

  EXPECT_EQ(faults, 1);
}

}  // namespace
}  // namespace sluice::audit_writer
