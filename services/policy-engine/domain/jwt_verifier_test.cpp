// Which keys a token is verified with, and when an issuer is asked for them.
#include "services/policy-engine/domain/jwt_verifier.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/jwt_maker.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

class JwtVerifierTest : public ::testing::Test {
 protected:
  JwtVerifierTest() { fixture.key_sets.published = first.jwks(); }

  Result<VerifiedJwt> verify(const JwtMaker& maker) {
    return fixture.run(fixture.jwt.verify(
        &loaded->policy, maker.token(fixture.clock.unix_ms()), fixture.context_without_token()
    ));
  }

  std::size_t fetches() { return fixture.key_sets.fetches.size(); }

  PolicyFixture fixture{settings_with_issuer()};
  PolicyState::Snapshot loaded = fixture.state.current().value();
  JwtMaker first{"k1"};
  JwtMaker second{"k2"};
};

TEST_F(JwtVerifierTest, KeysAreFetchedOnceAndAgainWhenOld) {
  EXPECT_THAT(verify(first), IsOk());
  fixture.clock.advance(kJwksRefreshAfter - std::chrono::seconds(1));
  EXPECT_THAT(verify(first), IsOk());
  EXPECT_EQ(fetches(), 1U);

  fixture.clock.advance(std::chrono::seconds(1));
  EXPECT_THAT(verify(first), IsOk());
  EXPECT_EQ(fetches(), 2U);
}

TEST_F(JwtVerifierTest, AnUnknownKeyMakesAFetchAtMostEveryTenSeconds) {
  EXPECT_THAT(verify(first), IsOk());
  fixture.key_sets.published = R"({"keys":[)" + first.jwk() + "," + second.jwk() + "]}";
  EXPECT_THAT(verify(second), HasCode(Code::Unauthenticated));  // asked a moment ago
  EXPECT_EQ(fetches(), 1U);

  fixture.clock.advance(kJwksFetchInterval);
  EXPECT_THAT(verify(second), IsOk());
  EXPECT_THAT(verify(first), IsOk());
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(verify(JwtMaker("other")), HasCode(Code::Unauthenticated));
  }
  EXPECT_EQ(fetches(), 2U);
}

TEST_F(JwtVerifierTest, AWithdrawnKeyIsNoneAfterTheNextFetch) {
  EXPECT_THAT(verify(first), IsOk());
  fixture.key_sets.published = second.jwks();
  fixture.clock.advance(kJwksFetchInterval);
  EXPECT_THAT(verify(second), IsOk());

  EXPECT_THAT(verify(first), HasCode(Code::Unauthenticated));
}

TEST_F(JwtVerifierTest, ChangedSettingsThatNameAnotherSourceTakeItsKeys) {
  EXPECT_THAT(verify(first), IsOk());
  const Policy changed =
      policy_of(settings_with_issuer(R"(, "jwks_url": "https://login.example/other-keys")"));
  loaded = std::make_shared<const LoadedPolicy>(LoadedPolicy{changed, changed.hash(), 2});
  fixture.key_sets.published = second.jwks();

  EXPECT_THAT(verify(first), HasCode(Code::Unauthenticated));
  EXPECT_THAT(verify(second), IsOk());
  EXPECT_EQ(fetches(), 2U);
}

TEST_F(JwtVerifierTest, FailsClosedWithoutKeys) {
  fixture.key_sets.set_down(true);
  EXPECT_THAT(verify(first), HasCode(Code::Unavailable));
  EXPECT_THAT(verify(first), HasCode(Code::Unavailable));
  EXPECT_EQ(fetches(), 1U);

  fixture.key_sets.set_down(false);
  fixture.key_sets.published = "<html>";
  fixture.clock.advance(kJwksFetchInterval);
  EXPECT_THAT(verify(first), HasCode(Code::Unavailable));

  fixture.key_sets.published = first.jwks();
  fixture.clock.advance(kJwksFetchInterval);
  EXPECT_THAT(verify(first), IsOk());
}

TEST_F(JwtVerifierTest, OldKeysServeForAnHourWhileTheIssuerIsDown) {
  EXPECT_THAT(verify(first), IsOk());
  fixture.key_sets.set_down(true);
  fixture.clock.advance(kJwksAgeMax - std::chrono::seconds(1));
  EXPECT_THAT(verify(first), IsOk());

  fixture.clock.advance(std::chrono::seconds(1));
  EXPECT_THAT(verify(first), HasCode(Code::Unavailable));
}

TEST_F(JwtVerifierTest, TheKeyNamedIsTheOnlyOneTried) {
  JwtMaker named_as_first("k1");  // another key under the name of the first
  fixture.key_sets.published = R"({"keys":[)" + first.jwk() + "," + second.jwk() + "]}";

  EXPECT_THAT(verify(named_as_first), HasCode(Code::Unauthenticated));
  EXPECT_THAT(
      fixture.run(fixture.jwt.verify(
          &loaded->policy,
          second.sign(first.header(), JwtMaker::claims(fixture.clock.unix_ms())),
          fixture.context_without_token()
      )),
      HasCode(Code::Unauthenticated)
  );
}

}  // namespace
}  // namespace sluice::policy_engine
