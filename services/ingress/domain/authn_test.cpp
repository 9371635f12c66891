#include "services/ingress/domain/authn.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

http::Headers with(std::initializer_list<std::pair<std::string, std::string>> fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) {
    headers.add(name, value);
  }
  return headers;
}

TEST(CredentialOf, ReadsBearerAndApiKey) {
  EXPECT_EQ(credential_of(with({{"Authorization", "Bearer sk-1"}})).value(), "sk-1");
  EXPECT_EQ(credential_of(with({{"authorization", "bearer sk-1"}})).value(), "sk-1");
  EXPECT_EQ(credential_of(with({{"X-Api-Key", "sk-2"}})).value(), "sk-2");
  EXPECT_EQ(credential_of(with({{"authorization", "Bearer a"}, {"x-api-key", "a"}})).value(), "a");
}

TEST(CredentialOf, RefusesNoneSeveralAndOtherSchemes) {
  const std::vector<http::Headers> bad{
      {},
      with({{"authorization", ""}}),
      with({{"authorization", "Bearer "}}),
      with({{"authorization", "Basic abc"}}),
      with({{"authorization", "sk-1"}}),
      with({{"authorization", "Bearer a"}, {"authorization", "Bearer a"}}),
      with({{"authorization", "Bearer a"}, {"x-api-key", "b"}}),
      with({{"x-api-key", ""}}),
      with({{"x-api-key", "eyJhbGciOiJFZERTQSJ9.e30.AA"}}),
      with({{"x-api-key", "a"}, {"x-api-key", "a"}}),
      with({{"authorization", "Bearer " + std::string(kCredentialBytesMax + 1, 'x')}}),
  };
  for (const auto& headers : bad) {
    const auto credential = credential_of(headers);
    ASSERT_THAT(credential, HasCode(Code::Unauthenticated));
    EXPECT_NE(credential.error().message().find("Authorization: Bearer"), std::string::npos);
  }
}

// One request that needs the caller; counts when it has it.
Async<void> ask(IngressFixture* fixture, int* done) {
  const auto caller =
      co_await fixture->authenticator.authenticate("sk-user", "192.0.2.7", fixture->context());
  *done += caller.ok() ? 1 : 0;
  co_return Result<void>();
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  Result<CallerPtr> authenticate(const std::string& key = "sk-user") {
    return fixture.run(fixture.authenticator.authenticate(key, "192.0.2.7", fixture.context()));
  }

  [[nodiscard]] std::size_t asked() const { return fixture.policy.authentications.size(); }

  // Time goes by while policy-engine keeps beating.
  void pass(std::chrono::milliseconds time) {
    fixture.clock.advance(time);
    fixture.beat(fixture.policy.policy_version);
  }

  IngressFixture fixture;
};

TEST_F(AuthenticatorTest, AsksOnceAndKeepsTheToken) {
  const auto first = authenticate();
  const auto second = authenticate();

  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first.value()->token, "token of key:user");
  EXPECT_TRUE(first.value()->has_role("caller"));
  EXPECT_FALSE(first.value()->has_role("admin"));
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(fixture.policy.authentications[0].source_address(), "192.0.2.7");
}

TEST_F(AuthenticatorTest, RenewsInTheBackgroundBeforeTheTokenEnds) {
  ASSERT_THAT(authenticate(), IsOk());
  pass(std::chrono::seconds(46));

  const CallerPtr held = fixture.authenticator.cached("sk-user", fixture.context());
  ASSERT_NE(held, nullptr) << "a caller does not wait while its token is good";
  fixture.loop.restart();
  fixture.loop.run();
  EXPECT_EQ(asked(), 2U);
  pass(std::chrono::seconds(30));

  EXPECT_NE(fixture.authenticator.cached("sk-user", fixture.context()), nullptr);
  EXPECT_EQ(asked(), 2U);
}

TEST_F(AuthenticatorTest, WaitsForANewTokenWhenTheOldOneIsAboutToEnd) {
  ASSERT_THAT(authenticate(), IsOk());
  pass(std::chrono::seconds(58));

  EXPECT_EQ(fixture.authenticator.cached("sk-user", fixture.context()), nullptr);
  EXPECT_THAT(authenticate(), IsOk());
  EXPECT_EQ(asked(), 2U);
}

TEST_F(AuthenticatorTest, DoesNotUseATokenOfAnOlderPolicy) {
  ASSERT_THAT(authenticate(), IsOk());

  fixture.policy.remove_caller("sk-user");
  fixture.policy.policy_version = 8;
  fixture.beat(8);

  EXPECT_THAT(authenticate(), HasCode(Code::Unauthenticated));
}

TEST_F(AuthenticatorTest, DoesNotUseItsCacheWhenPolicyIsSilent) {
  ASSERT_THAT(authenticate(), IsOk());
  fixture.clock.advance(kBeatSilenceMax + std::chrono::milliseconds(1));
  fixture.policy.set_down(true);

  EXPECT_THAT(authenticate(), HasCode(Code::Unavailable));
}

TEST_F(AuthenticatorTest, KeepsARefusalForASecond) {
  EXPECT_THAT(authenticate("sk-wrong"), HasCode(Code::Unauthenticated));
  EXPECT_THAT(authenticate("sk-wrong"), HasCode(Code::Unauthenticated));
  EXPECT_EQ(asked(), 1U);

  policy::v1::CallerClaims claims;
  claims.set_principal("key:new");
  fixture.policy.add_caller("sk-wrong", claims);
  pass(kRefusalKeptFor);

  EXPECT_THAT(authenticate("sk-wrong"), IsOk());
}

TEST_F(AuthenticatorTest, DoesNotKeepThatPolicyWasUnavailable) {
  fixture.policy.set_down(true);
  EXPECT_THAT(authenticate(), HasCode(Code::Unavailable));
  fixture.policy.set_down(false);

  EXPECT_THAT(authenticate(), IsOk());
}

TEST_F(AuthenticatorTest, AsksOnceForManyRequestsAtOnce) {
  int done = 0;
  async::TaskGroup requests(fixture.loop.get_executor(), [](std::string_view, const Error&) {});
  for (int i = 0; i < 10; ++i) {
    requests.spawn("request", ask(&fixture, &done));
  }
  fixture.loop.restart();
  fixture.loop.run();

  EXPECT_EQ(done, 10);
  EXPECT_EQ(asked(), 1U);
}

TEST_F(AuthenticatorTest, ForgetsWhoWasNotSeenForLongest) {
  for (std::size_t i = 0; i <= kCallersMax; ++i) {
    policy::v1::CallerClaims claims;
    claims.set_principal("key:" + std::to_string(i));
    fixture.policy.add_caller("sk-" + std::to_string(i), claims);
    ASSERT_THAT(authenticate("sk-" + std::to_string(i)), IsOk());
  }
  EXPECT_EQ(fixture.authenticator.cached("sk-0", fixture.context()), nullptr);
  EXPECT_NE(fixture.authenticator.cached("sk-1", fixture.context()), nullptr);
}

}  // namespace
}  // namespace sluice::ingress
