#include "services/policy-engine/handlers/pin_upkeep.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::SizeIs;

TEST(PinUpkeep, ApprovalsOfAQuarantinedToolBecomeVoid) {
  PolicyFixture fixture(PolicyFixture::settings_with("safe", R"("tools_to_execute": ["*"])"));
  ASSERT_THAT(fixture.decide_one("write_file", policy::v1::MODE_MANUAL), IsOk());
  ASSERT_THAT(fixture.decide_one("read_file", policy::v1::MODE_MANUAL), IsOk());
  ASSERT_THAT(fixture.approvals.approvals, SizeIs(2));
  fixture.approval_events.events.clear();

  fixture.servers.put("files", "write_file", R"({"description":"another"})");
  fixture.catalogs.invalidate();
  ASSERT_THAT(fixture.run(fixture.catalogs.get(fixture.context_without_token())), IsOk());
  EXPECT_TRUE(fixture.pin_book.take_news());
  ASSERT_THAT(fixture.run(fixture.pin_upkeep.sweep()), IsOk());

  const policy::v1::Approval& changed = fixture.approvals.approvals[0].approval;
  EXPECT_EQ(changed.state(), policy::v1::APPROVAL_STATE_VOID);
  EXPECT_THAT(changed.end_reason(), HasSubstr("definition has changed"));
  EXPECT_EQ(fixture.approvals.approvals[1].approval.state(), policy::v1::APPROVAL_STATE_PENDING);
  EXPECT_EQ(fixture.approvals.actions().back(), "approval.void");
  ASSERT_THAT(fixture.approval_events.events, SizeIs(1));
  EXPECT_EQ(fixture.approval_events.events[0].state(), policy::v1::APPROVAL_STATE_VOID);
}

TEST(PinUpkeep, LeavesApprovalsAloneWherePinsAreOff) {
  PolicyFixture fixture(
      PolicyFixture::settings_with(R"(safe", "tool_pins": "off)", R"("tools_to_execute": ["*"])")
  );
  ASSERT_THAT(fixture.decide_one("write_file", policy::v1::MODE_MANUAL), IsOk());
  fixture.pins.pins[{"files", "write_file"}].offered_hash = "another";

  ASSERT_THAT(fixture.run(fixture.pin_upkeep.sweep()), IsOk());

  EXPECT_EQ(fixture.approvals.approvals[0].approval.state(), policy::v1::APPROVAL_STATE_PENDING);
}

}  // namespace
}  // namespace sluice::policy_engine
