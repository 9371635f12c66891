#include "services/policy-engine/handlers/approvals_get.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(ApprovalsGetHandler, ShowsTheRequesterAndApproversAndNobodyElse) {
  PolicyFixture fixture(PolicyFixture::settings_with("safe", R"("tools_to_execute": ["*"])"));
  const auto decided = fixture.decide_one("write_file", policy::v1::MODE_MANUAL);
  ASSERT_THAT(decided, IsOk());
  policy::v1::GetApprovalRequest request;
  request.set_id(decided.value().decisions(0).approval_id());
  const auto get = [&fixture, &request](std::string_view key) {
    return fixture.run((*fixture.approvals_get)(request, fixture.context_of(key)));
  };

  for (const char* key : {"alice", "carol", "root"}) {
    const auto reply = get(key);
    ASSERT_THAT(reply, IsOk()) << key;
    EXPECT_EQ(reply.value().approval().tool(), "write_file");
    EXPECT_EQ(reply.value().approval().arguments(), "{}");
  }
  EXPECT_THAT(get("bob"), HasCode(Code::NotFound));
  EXPECT_THAT(
      fixture.run((*fixture.approvals_get)(request, fixture.context_without_token())),
      HasCode(Code::Unauthenticated)
  );
  request.set_id("apr_nothing");
  EXPECT_THAT(get("carol"), HasCode(Code::NotFound));
}

}  // namespace
}  // namespace sluice::policy_engine
