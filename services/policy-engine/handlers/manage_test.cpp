#include "services/policy-engine/handlers/manage.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

policy::v1::ManageRequest get_policy() {
  policy::v1::ManageRequest request;
  request.mutable_get_policy();
  return request;
}

policy::v1::ManageRequest reload() {
  policy::v1::ManageRequest request;
  request.mutable_reload();
  return request;
}

TEST(ManageHandler, TellsAnAdminWhatIsLoaded) {
  PolicyFixture fixture;

  const auto reply = fixture.run((*fixture.manage)(get_policy(), fixture.context_of("root")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().policy_version(), 1U);
  EXPECT_EQ(reply.value().snapshot_hash(), policy_of(PolicyFixture::default_settings()).hash());
}

TEST(ManageHandler, ReloadOfAnEqualPolicyKeepsItsVersion) {
  PolicyFixture fixture;

  const auto reply = fixture.run((*fixture.manage)(reload(), fixture.context_of("root")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().policy_version(), 1U);
}

TEST(ManageHandler, RefusesWhoIsNoAdminAndWhatIsNoOperation) {
  PolicyFixture fixture;

  EXPECT_THAT(
      fixture.run((*fixture.manage)(get_policy(), fixture.context_of("alice"))),
      HasCode(Code::Denied)
  );
  EXPECT_THAT(
      fixture.run((*fixture.manage)(get_policy(), fixture.context_without_token())),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      fixture.run((*fixture.manage)(policy::v1::ManageRequest(), fixture.context_of("root"))),
      HasCode(Code::Invalid)
  );
}

}  // namespace
}  // namespace sluice::policy_engine
