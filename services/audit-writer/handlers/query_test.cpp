#include "services/audit-writer/handlers/query.h"

#include "services/audit-writer/limits.h"
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

struct QueryFixture {
  explicit QueryFixture(testing::FaultPlan* faults = nullptr) : store(faults), audit(faults) {}

  Result<audit::v1::QueryReply> query(
      const audit::v1::QueryRequest& request, const RequestContext& context
  ) {
    return sluice::testing::run_sync(handler(request, context));
  }

  [[nodiscard]] RequestContext admin() const {
    return callers.context("key:admin", "admin", clock.unix_ms());
  }

  FakeAuditStore store;
  audit::RecordingClient audit;
  testing::ManualClock clock;
  TestCallers callers;
  QueryHandler handler{{&store, &callers.keys(), &audit, &clock}};
};

TEST(QueryHandler, AnswersAnAdminAboutTheOwnTenantAndRecordsTheReading) {
  QueryFixture fixture;
  fixture.store.query_answer = {"one", "two"};
  audit::v1::QueryRequest request;
  request.set_chain_id("c1");

  const auto reply = fixture.query(request, fixture.admin());

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().records_size(), 2);
  EXPECT_EQ(fixture.store.last_filter.tenant, "default");
  EXPECT_EQ(fixture.store.last_filter.chain_id, "c1");
  EXPECT_EQ(fixture.store.last_filter.limit, kQueryLimitDefault);
  const auto readings = fixture.audit.with_action("service.trail_queried");
  ASSERT_EQ(readings.size(), 1U);
  EXPECT_EQ(readings[0].principal(), "key:admin");
  EXPECT_EQ(readings[0].chain_id(), "");
}

TEST(QueryHandler, RefusesStrangersAndCallersWithoutTheRole) {
  QueryFixture fixture;

  EXPECT_THAT(fixture.query({}, {}), HasCode(Code::Unauthenticated));
  EXPECT_THAT(
      fixture.query({}, fixture.callers.context("key:k1", "caller", fixture.clock.unix_ms())),
      HasCode(Code::Denied)
  );
  EXPECT_THAT(
      fixture.query({}, TestCallers().context("key:k1", "admin", fixture.clock.unix_ms())),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_TRUE(fixture.audit.records().empty());
}

TEST(QueryHandler, RefusesAnOldToken) {
  QueryFixture fixture;
  const auto context = fixture.admin();
  fixture.clock.advance(std::chrono::minutes(5));

  EXPECT_THAT(fixture.query({}, context), HasCode(Code::Unauthenticated));
}

TEST(QueryHandler, ChecksItsParameters) {
  QueryFixture fixture;
  audit::v1::QueryRequest large;
  large.set_limit(kQueryLimitMax + 1);
  audit::v1::QueryRequest nonsense;
  nonsense.set_after_event_id("' OR 1=1 --");

  EXPECT_THAT(fixture.query(large, fixture.admin()), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.query(nonsense, fixture.admin()), HasCode(Code::Invalid));
}

TEST(QueryHandler, ReportsEveryFailureAndReadsNothingUnrecorded) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    QueryFixture fixture(&plan);
    const auto reply = fixture.query({}, fixture.admin());
    if (plan.fired()) {
      EXPECT_THAT(reply, HasCode(Code::Unavailable));
    } else {
      EXPECT_THAT(reply, IsOk());
    }
  });

  EXPECT_EQ(faults, 3) << "record, written, query";
}

}  // namespace
}  // namespace sluice::audit_writer
