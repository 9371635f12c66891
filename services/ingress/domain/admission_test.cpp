#include "services/ingress/domain/admission.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class AdmissionTest : public ::testing::Test {
 protected:
  Result<Admitted> admit(const std::string& key) {
    const auto request = IngressFixture::request("", key);
    return fixture.run(fixture.admission.admit(&request, fixture.context()));
  }

  Result<Admitted> admit_admin(const std::string& key) {
    const auto request = IngressFixture::request("", key);
    return fixture.run(fixture.admission.admit_admin(&request, fixture.context()));
  }

  IngressFixture fixture;
};

TEST_F(AdmissionTest, PutsTheCallerIntoTheContext) {
  const auto admitted = admit("sk-user");

  ASSERT_THAT(admitted, IsOk());
  EXPECT_EQ(admitted.value().context.tenant.str(), "default");
  EXPECT_EQ(admitted.value().context.principal.str(), "key:user");
  EXPECT_EQ(admitted.value().context.caller_token, "token of key:user");
}

TEST_F(AdmissionTest, RecordsWhoWasRefused) {
  EXPECT_THAT(admit(""), HasCode(Code::Unauthenticated));
  EXPECT_THAT(admit("sk-wrong"), HasCode(Code::Unauthenticated));

  const auto records = fixture.audit.with_action("auth.refused");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].source_address(), "192.0.2.7");
  EXPECT_EQ(records[0].outcome(), audit::v1::OUTCOME_REFUSED);
  EXPECT_FALSE(records[1].reason().empty());
  EXPECT_EQ(records[1].reason().find("sk-wrong"), std::string::npos)
      << "a key is never in a record";
}

TEST_F(AdmissionTest, RecordsABoundedNumberOfRefusalsASecondAndHowManyAreMissing) {
  for (int i = 0; i < kRefusalRecordsPerSecondMax + 5; ++i) {
    EXPECT_THAT(admit(""), HasCode(Code::Unauthenticated));
  }
  EXPECT_EQ(
      fixture.audit.with_action("auth.refused").size(),
      static_cast<std::size_t>(kRefusalRecordsPerSecondMax)
  );
  fixture.clock.advance(std::chrono::seconds(1));

  EXPECT_THAT(admit(""), HasCode(Code::Unauthenticated));

  const auto records = fixture.audit.with_action("auth.refused");
  EXPECT_NE(records.back().detail().find("5 further"), std::string::npos)
      << records.back().detail();
}

TEST_F(AdmissionTest, LetsNobodyInWhileTheOutboxIsFull) {
  fixture.audit.set_full(true);

  const auto admitted = admit("sk-user");

  ASSERT_THAT(admitted, HasCode(Code::Unavailable));
  EXPECT_TRUE(admitted.error().retry_after().has_value());
  EXPECT_TRUE(fixture.policy.authentications.empty());
}

TEST_F(AdmissionTest, AsksAnAdminForTheRole) {
  EXPECT_THAT(admit_admin("sk-admin"), IsOk());
  EXPECT_THAT(admit_admin("sk-user"), HasCode(Code::Denied));
  EXPECT_THAT(admit_admin("sk-wrong"), HasCode(Code::Unauthenticated));
}

}  // namespace
}  // namespace sluice::ingress
