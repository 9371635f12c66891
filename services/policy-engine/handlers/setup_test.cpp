#include "services/policy-engine/handlers/setup.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using testing::IsOk;
using ::testing::SizeIs;

std::string settings_without_admin() {
  return R"({"auth": {"keys": [)" + key_entry("alice") + "]}}";
}

class SetupTest : public ::testing::Test {
 protected:
  Result<policy::v1::SetupReply> set_up(const std::string& token) {
    policy::v1::SetupRequest request;
    request.set_setup_token(token);
    request.set_source_address("192.0.2.1");
    return fixture.run((*fixture.setup)(request, fixture.context_without_token()));
  }

  PolicyFixture fixture{settings_without_admin()};
};

TEST_F(SetupTest, ATokenMakesTheFirstAdminKeyOnce) {
  fixture.stored.setup_digest = crypto::sha256("sst-1");

  const auto reply = set_up("sst-1");

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().key().id(), "admin");
  EXPECT_EQ(reply.value().key().created_by(), "setup");
  policy::v1::AuthenticateRequest request;
  request.set_credential(reply.value().key_text());
  const auto token = fixture.run((*fixture.authenticate)(request, fixture.context_without_token()));
  ASSERT_THAT(token, IsOk());
  EXPECT_THAT(token.value().claims().roles(), ElementsAre("admin", "caller"));
  EXPECT_THAT(set_up("sst-1"), HasCode(Code::Conflict));
  EXPECT_THAT(fixture.stored.actions(), ElementsAre("key.created"));
  EXPECT_THAT(fixture.audit.with_action("auth.refused"), SizeIs(1));
}

TEST_F(SetupTest, AWrongTokenIsRefusedAndRecordedWithoutIt) {
  fixture.stored.setup_digest = crypto::sha256("sst-1");

  EXPECT_THAT(set_up("sst-2"), HasCode(Code::Unauthenticated));

  const auto records = fixture.audit.with_action("auth.refused");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].source_address(), "192.0.2.1");
  EXPECT_EQ(records[0].SerializeAsString().find("sst-2"), std::string::npos);
  EXPECT_FALSE(fixture.stored.setup_used);
}

TEST_F(SetupTest, AttemptsAreBounded) {
  fixture.stored.setup_digest = crypto::sha256("sst-1");
  for (int i = 0; i < kSetupAttemptsPerSecondMax; ++i) {
    EXPECT_THAT(set_up("wrong"), HasCode(Code::Unauthenticated));
  }

  EXPECT_THAT(set_up("sst-1"), HasCode(Code::Exhausted));
  fixture.clock.advance(std::chrono::seconds(1));
  EXPECT_THAT(set_up("sst-1"), IsOk());
}

TEST_F(SetupTest, OneTokenIsMadeWhereNobodyCanManage) {
  ASSERT_THAT(fixture.run(fixture.setup->offer()), IsOk());
  const std::string digest = fixture.stored.setup_digest;
  ASSERT_THAT(fixture.run(fixture.setup->offer()), IsOk());

  EXPECT_FALSE(digest.empty());
  EXPECT_EQ(fixture.stored.setup_digest, digest);
}

TEST(Setup, NoneIsMadeOrTakenWhereSomebodyCanManage) {
  PolicyFixture fixture;
  ASSERT_THAT(fixture.run(fixture.setup->offer()), IsOk());
  EXPECT_TRUE(fixture.stored.setup_digest.empty());
  fixture.stored.setup_digest = crypto::sha256("sst-1");
  policy::v1::SetupRequest request;
  request.set_setup_token("sst-1");

  EXPECT_THAT(
      fixture.run((*fixture.setup)(request, fixture.context_without_token())),
      HasCode(Code::Conflict)
  );
  EXPECT_TRUE(fixture.stored.stored.keys.empty());
}

}  // namespace
}  // namespace sluice::policy_engine
