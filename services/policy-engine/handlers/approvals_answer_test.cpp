#include "services/policy-engine/handlers/approvals_answer.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

class ApprovalsAnswer : public ::testing::Test {
 protected:
  ApprovalsAnswer() {
    const auto decided = fixture.decide_one("write_file", policy::v1::MODE_MANUAL);
    request.set_id(decided.value().decisions(0).approval_id());
    request.set_approve(true);
    fixture.approval_events.events.clear();
  }

  Result<policy::v1::AnswerApprovalReply> answer(std::string_view key) {
    return fixture.run((*fixture.approvals_answer)(request, fixture.context_of(key)));
  }

  PolicyFixture fixture{PolicyFixture::settings_with("safe", R"("tools_to_execute": ["*"])")};
  policy::v1::AnswerApprovalRequest request;
};

TEST_F(ApprovalsAnswer, ApproversAndAdminsAnswerAndEverybodyIsTold) {
  const auto reply = answer("carol");

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().approval().state(), policy::v1::APPROVAL_STATE_APPROVED);
  EXPECT_EQ(reply.value().approval().answers(0).principal(), "key:carol");
  ASSERT_EQ(fixture.approval_events.events.size(), 1U);
  EXPECT_EQ(fixture.approval_events.events[0].state(), policy::v1::APPROVAL_STATE_APPROVED);
  EXPECT_EQ(fixture.approvals.actions().back(), "approval.answered");
  EXPECT_THAT(answer("root"), HasCode(Code::Conflict));
}

TEST_F(ApprovalsAnswer, ARepeatedAnswerIsAnsweredTheSameAndTellsNobody) {
  ASSERT_THAT(answer("carol"), IsOk());
  const auto again = answer("carol");

  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again.value().approval().answers_size(), 1);
  EXPECT_EQ(fixture.approval_events.events.size(), 1U);
}

TEST_F(ApprovalsAnswer, NeedsTheRoleAndAReasonOfReasonableLength) {
  EXPECT_THAT(answer("alice"), HasCode(Code::Denied));
  EXPECT_THAT(answer("bob"), HasCode(Code::Denied));
  request.set_reason(std::string(kAnswerReasonCharactersMax + 1, 'x'));
  EXPECT_THAT(answer("carol"), HasCode(Code::Invalid));
  request.set_reason("ok");
  request.set_id("apr_nothing");
  EXPECT_THAT(answer("carol"), HasCode(Code::NotFound));
}

TEST_F(ApprovalsAnswer, AnAdminDoesNotAnswerItsOwn) {
  auto asked = fixture.request_for("write_file", policy::v1::MODE_MANUAL);
  const auto decided = fixture.run((*fixture.decide)(asked, fixture.context_of("root")));
  ASSERT_THAT(decided, IsOk());
  request.set_id(decided.value().decisions(0).approval_id());

  EXPECT_THAT(answer("root"), HasCode(Code::Denied));
}

}  // namespace
}  // namespace sluice::policy_engine
