#include "services/audit-writer/handlers/journal.h"

#include "services/audit-writer/testing/builders.h"
#include "services/audit-writer/testing/fake_audit_store.h"

#include "common/testing/fault_plan.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

struct JournalFixture {
  explicit JournalFixture(testing::FaultPlan* faults = nullptr) : store(faults) {
    request.set_tool_call_id("call-1");
  }

  Result<audit::v1::JournalReply> journal() {
    return sluice::testing::run_sync(
        handler(request, callers.context("key:k1", "caller", clock.unix_ms()))
    );
  }

  audit::v1::JournalRequest request;
  FakeAuditStore store;
  testing::ManualClock clock;
  TestCallers callers;
  JournalHandler handler{{&store, &callers.keys(), &clock, test_body_key()}};
};

TEST(JournalHandler, AsksForTheCallersOwnCallOnly) {
  JournalFixture fixture;
  fixture.store.journal_answer.suggested_chain_id = "c1";

  const auto reply = fixture.journal();

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().state(), audit::v1::JournalReply::STATE_SUGGESTED);
  EXPECT_EQ(fixture.store.last_key.tenant, "default");
  EXPECT_EQ(fixture.store.last_key.principal, "key:k1");
  EXPECT_EQ(fixture.store.last_key.tool_call_id, "call-1");
}

TEST(JournalHandler, RefusesAnotherPrincipalOrTenant) {
  JournalFixture fixture;
  fixture.request.set_principal("key:other");
  EXPECT_THAT(fixture.journal(), HasCode(Code::Denied));
  fixture.request.set_principal("key:k1");
  EXPECT_THAT(fixture.journal(), IsOk());
  fixture.request.set_tenant("other");
  EXPECT_THAT(fixture.journal(), HasCode(Code::Denied));
}

TEST(JournalHandler, AnswersARunTokenInItsRunOnly) {
  JournalFixture fixture;
  const auto journal = [&fixture](const char* run, const char* token_run) {
    return sluice::testing::run_sync(fixture.handler(
        fixture.request, fixture.callers.context_of_run(run, token_run, fixture.clock.unix_ms())
    ));
  };

  EXPECT_THAT(journal("run_1", "run_1"), IsOk());
  EXPECT_THAT(journal("run_2", "run_1"), HasCode(Code::Unauthenticated));
  EXPECT_THAT(journal("", "run_1"), HasCode(Code::Unauthenticated));
}

TEST(JournalHandler, NeedsATokenAndAKey) {
  JournalFixture fixture;
  EXPECT_THAT(
      sluice::testing::run_sync(fixture.handler(fixture.request, {})),
      HasCode(Code::Unauthenticated)
  );
  fixture.request.clear_tool_call_id();
  EXPECT_THAT(fixture.journal(), HasCode(Code::Invalid));
}

TEST(JournalHandler, ReportsEveryFailure) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    JournalFixture fixture(&plan);
    EXPECT_EQ(fixture.journal().ok(), !plan.fired());
  });

  EXPECT_EQ(faults, 1);
}

}  // namespace
}  // namespace sluice::audit_writer
