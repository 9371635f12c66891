#include "services/policy-engine/handlers/manage_limits.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

std::string settings() {
  const std::string head = R"({"policy": {)";
  const std::string text = PolicyFixture::settings_with("open", R"("tools_to_execute": ["*"])");
  return head +
         R"("limits": [{"id": "two", "per": ["key"], "calls": 2, "window_s": 60}, {"id": "b", "at_once": 1}], )" +
         text.substr(head.size());
}

TEST(LimitOverview, ShowsAdminsWhatIsCounted) {
  PolicyFixture fixture(settings());
  ASSERT_THAT(fixture.decide_one("write_file", policy::v1::MODE_MANUAL), IsOk());
  policy::v1::ManageRequest request;
  request.mutable_list_limits();

  const auto refused = fixture.run((*fixture.manage)(request, fixture.context_of("alice")));
  const auto reply = fixture.run((*fixture.manage)(request, fixture.context_of("root")));
  fixture.counters.set_down(true);
  const auto down = fixture.run((*fixture.manage)(request, fixture.context_of("root")));

  EXPECT_THAT(refused, HasCode(Code::Denied));
  ASSERT_THAT(reply, IsOk());
  ASSERT_EQ(reply.value().limits_size(), 2);
  EXPECT_EQ(reply.value().limits(0).id(), "two");
  EXPECT_EQ(reply.value().limits(0).counters(0).subject(), "key:alice");
  EXPECT_EQ(reply.value().limits(0).counters(0).taken(), 1U);
  EXPECT_EQ(reply.value().limits(0).counters(0).calls(), 2U);
  EXPECT_EQ(reply.value().limits(1).counters(0).subject(), "all");
  EXPECT_TRUE(reply.value().limits(1).counters(0).at_once());
  EXPECT_THAT(down, HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::policy_engine
