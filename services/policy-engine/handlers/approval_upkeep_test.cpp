#include "services/policy-engine/handlers/approval_upkeep.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

class ApprovalUpkeepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(fixture.decide_one("write_file", policy::v1::MODE_MANUAL), IsOk());
  }

  PolicyFixture fixture{PolicyFixture::settings_with("safe", R"("tools_to_execute": ["*"])")};
};

TEST_F(ApprovalUpkeepTest, PublishesRecordsUnderTheirEventIdsAndRemovesThem) {
  const std::string event_id = fixture.approvals.outbox.at(0).event_id;

  ASSERT_THAT(fixture.run(fixture.upkeep.drain()), IsOk());
  ASSERT_THAT(fixture.run(fixture.upkeep.drain()), IsOk());

  const auto published = fixture.audit.with_action("approval.created");
  ASSERT_EQ(published.size(), 1U);
  EXPECT_EQ(published[0].event_id(), event_id);
  EXPECT_EQ(published[0].hop(), 7U);
  EXPECT_TRUE(fixture.approvals.outbox.empty());
}

TEST_F(ApprovalUpkeepTest, KeepsWhatTheFullOutboxDoesNotTake) {
  fixture.audit.set_full(true);

  EXPECT_THAT(fixture.run(fixture.upkeep.drain()), HasCode(Code::Unavailable));

  EXPECT_EQ(fixture.approvals.outbox.size(), 1U);
}

TEST_F(ApprovalUpkeepTest, EndsWhatIsDueAndForgetsItLater) {
  fixture.clock.advance(std::chrono::seconds(kApprovalTtlDefault));
  ASSERT_THAT(fixture.run(fixture.upkeep.sweep()), IsOk());
  ASSERT_EQ(fixture.approvals.approvals.size(), 1U);
  EXPECT_EQ(fixture.approvals.approvals[0].approval.state(), policy::v1::APPROVAL_STATE_EXPIRED);
  EXPECT_EQ(fixture.approvals.actions().back(), "approval.expired");
  EXPECT_EQ(fixture.approval_events.events.back().state(), policy::v1::APPROVAL_STATE_EXPIRED);

  fixture.clock.advance(std::chrono::milliseconds(kApprovalsKeptMs));
  ASSERT_THAT(fixture.run(fixture.upkeep.sweep()), IsOk());
  EXPECT_TRUE(fixture.approvals.approvals.empty());
}

}  // namespace
}  // namespace sluice::policy_engine
