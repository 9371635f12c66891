#include "services/policy-engine/handlers/approvals_list.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

class ApprovalsList : public ::testing::Test {
 protected:
  void ask(std::string_view key, const std::string& call_id) {
    auto request = fixture.request_for("write_file", policy::v1::MODE_MANUAL);
    request.mutable_calls(0)->set_tool_call_id(call_id);
    ASSERT_THAT(fixture.run((*fixture.decide)(request, fixture.context_of(key))), IsOk());
  }

  Result<policy::v1::ListApprovalsReply> list(
      std::string_view key, policy::v1::ListApprovalsRequest request = {}
  ) {
    return fixture.run((*fixture.approvals_list)(std::move(request), fixture.context_of(key)));
  }

  PolicyFixture fixture{PolicyFixture::settings_with("safe", R"("tools_to_execute": ["*"])")};
};

TEST_F(ApprovalsList, ShowsApproversAllAndCallersTheirOwnNewestFirst) {
  ask("alice", "1");
  ask("bob", "2");

  const auto all = list("carol");
  const auto own = list("alice");

  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all.value().approvals_size(), 2);
  EXPECT_EQ(all.value().approvals(0).principal(), "key:bob");
  EXPECT_FALSE(all.value().more());
  ASSERT_THAT(own, IsOk());
  ASSERT_EQ(own.value().approvals_size(), 1);
  EXPECT_EQ(own.value().approvals(0).tool_call_id(), "1");
  EXPECT_EQ(list("root").value().approvals_size(), 2);
}

TEST_F(ApprovalsList, PagesAndFiltersByState) {
  for (const char* id : {"1", "2", "3"}) {
    ask("alice", id);
  }
  policy::v1::ListApprovalsRequest request;
  request.set_limit(2);
  const auto first = list("carol", request);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first.value().approvals_size(), 2);
  EXPECT_TRUE(first.value().more());

  request.set_after(first.value().approvals(1).id());
  const auto second = list("carol", request);
  ASSERT_EQ(second.value().approvals_size(), 1);
  EXPECT_FALSE(second.value().more());
  EXPECT_EQ(second.value().approvals(0).tool_call_id(), "1");

  request.Clear();
  request.set_state(policy::v1::APPROVAL_STATE_DENIED);
  EXPECT_EQ(list("carol", request).value().approvals_size(), 0);
}

TEST_F(ApprovalsList, RefusesTooLargePagesAndStrangers) {
  policy::v1::ListApprovalsRequest request;
  request.set_limit(kApprovalsPageMax + 1);
  EXPECT_THAT(list("carol", request), HasCode(Code::Invalid));
  EXPECT_THAT(
      fixture.run((*fixture.approvals_list)({}, fixture.context_without_token())),
      HasCode(Code::Unauthenticated)
  );
}

}  // namespace
}  // namespace sluice::policy_engine
