// A table of tokens that are no good, each put to the whole verification; and what good ones give.
#include "services/policy-engine/domain/jwt.h"

#include "services/policy-engine/domain/jwt_verifier.h"
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/jwt_maker.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/crypto/sha256.h"
#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

// RFC 2104 over SHA-256.
std::string hmac(std::string key, const std::string& message) {
  constexpr std::size_t kBlock = 64;
  key.resize(kBlock, '\0');
  std::string inner = key;
  std::string outer = key;
  for (std::size_t i = 0; i < kBlock; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }
  return crypto::sha256(outer + crypto::sha256(inner + message));
}

class JwtTest : public ::testing::Test {
 protected:
  JwtTest() { fixture.key_sets.published = maker.jwks(); }

  Result<VerifiedJwt> verify(const std::string& token) {
    return fixture.run(fixture.jwt.verify(&loaded->policy, token, fixture.context_without_token()));
  }

  std::string claims(const std::string& more = R"(,"scope":"sluice:use")") {
    return JwtMaker::claims(fixture.clock.unix_ms(), more);
  }

  // The claims with one member replaced; an empty value removes it.
  std::string claims_with(const std::string& name, const std::string& value) {
    json::Value all = json::parse(claims()).value();
    if (value.empty()) {
      all.as_object()->erase(name);
    } else {
      all.as_object()->set(name, json::parse(value).value());
    }
    return json::write(all);
  }

  std::string in_seconds(int seconds) {
    return std::to_string(fixture.clock.unix_ms() / 1000 + seconds);
  }

  PolicyFixture fixture{settings_with_issuer()};
  PolicyState::Snapshot loaded = fixture.state.current().value();
  JwtMaker maker;
};

TEST_F(JwtTest, ATokenOfTheIssuerNamesItsCaller) {
  const auto verified = verify(maker.token(fixture.clock.unix_ms()));

  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ(verified.value().principal, "jwt:login:ada");
  EXPECT_EQ(verified.value().roles, std::vector<std::string>{"caller"});
  EXPECT_EQ(verified.value().ends_unix_ms, (fixture.clock.unix_ms() / 1000 + 300) * 1000);
  EXPECT_EQ(fixture.key_sets.fetches, std::vector<std::string>{kTestIssuer});
}

TEST_F(JwtTest, OtherFormsOfGoodTokens) {
  for (const std::string& header :
       {maker.header(),
        std::string(R"({"alg":"EdDSA"})"),  // no type, no key id
        std::string(R"({"alg":"EdDSA","typ":"JWT","kid":"k1"})"),
        std::string(R"({"alg":"EdDSA","typ":"application/AT+jwt","kid":"k1"})")}) {
    EXPECT_THAT(verify(maker.sign(header, claims())), IsOk()) << header;
  }
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"aud", R"(["other","https://gateway.example/mcp"])"},
           {"exp", in_seconds(-29)},  // within the leeway
           {"exp", in_seconds(5) + ".75"},
           {"nbf", in_seconds(29)},
           {"sub", R"("auth0|1 2")"},
       }) {
    EXPECT_THAT(verify(maker.sign(maker.header(), claims_with(name, value))), IsOk())
        << name << value;
  }
}

TEST_F(JwtTest, RefusesClaimsThatDoNotHold) {
  for (const auto& [name, value, why] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"iss", R"("https://evil.example")", "issuer"},
           {"iss", R"("https://login.example/")", "issuer"},
           {"iss", "", "issuer"},
           {"iss", R"(["https://login.example"])", "issuer"},
           {"aud", R"("https://gateway.example")", "audience"},
           {"aud", R"("https://gateway.example/mcp/")", "audience"},
           {"aud", R"(["a",1])", "audience"},
           {"aud", "", "audience"},
           {"exp", in_seconds(-31), "expired"},
           {"exp", "", "no end"},
           {"exp", R"("9999999999")", "no time"},
           {"exp", "1e300", "no time"},
           {"exp", "-1", "no time"},
           {"nbf", in_seconds(31), "not valid yet"},
           {"nbf", "null", "no time"},
           {"sub", "", "sub"},
           {"sub", "7", "sub"},
           {"sub", R"("")", "sub"},
           {"sub", R"("a\nb")", "sub"},
           {"sub", "\"" + std::string(kSubjectBytesMax + 1, 'x') + "\"", "sub"},
       }) {
    const auto verified = verify(maker.sign(maker.header(), claims_with(name, value)));

    ASSERT_THAT(verified, HasCode(Code::Unauthenticated)) << name << value;
    EXPECT_THAT(verified.error().message(), HasSubstr(why)) << name << value;
  }
  EXPECT_TRUE(fixture.key_sets.fetches.empty()) << "what cannot be valid asks nobody";
}

TEST_F(JwtTest, RefusesHeadersThatDoNotFit) {
  const std::string kid = R"(,"kid":"k1"})";
  for (const std::string& header : {
           R"({"alg":"none")" + kid,
           R"({"alg":"None")" + kid,
           R"({"alg":"HS256")" + kid,
           R"({"alg":"RS256")" + kid,  // not that key's
           R"({"alg":"ES256")" + kid,
           R"({"alg":"RS512")" + kid,
           R"({"alg":7)" + kid,
           std::string(R"({"kid":"k1"})"),
           std::string(R"({"alg":"EdDSA","kid":"k2"})"),
           R"({"alg":"EdDSA","typ":"dpop+jwt")" + kid,
           R"({"alg":"EdDSA","typ":"logout+jwt")" + kid,
           R"({"alg":"EdDSA","typ":1)" + kid,
           R"({"alg":"EdDSA","crit":["exp"])" + kid,
           R"({"alg":"EdDSA","alg":"EdDSA")" + kid,
           std::string("[]"),
           std::string("{"),
       }) {
    EXPECT_THAT(verify(maker.sign(header, claims())), HasCode(Code::Unauthenticated)) << header;
  }
}

TEST_F(JwtTest, RefusesThePublicKeyAsASecret) {
  for (const std::string& secret :
       {maker.key().public_key().raw(), maker.jwk(), maker.jwks(), std::string()}) {
    const std::string part =
        to_base64url(R"({"alg":"HS256","kid":"k1"})") + "." + to_base64url(claims());
    EXPECT_THAT(
        verify(part + "." + to_base64url(hmac(secret, part))), HasCode(Code::Unauthenticated)
    );
  }
}

TEST_F(JwtTest, RefusesForeignAndChangedSignatures) {
  const std::string token = maker.token(fixture.clock.unix_ms());
  const JwtMaker other("k1");
  const auto dot = token.rfind('.');
  const std::string unsigned_part = token.substr(0, dot);
  std::string changed = token;
  char& flipped = changed[token.find('.') + 3];
  flipped = static_cast<char>(flipped ^ 1);
  for (const std::string& bad :
       {other.token(fixture.clock.unix_ms()),
        unsigned_part + ".",
        unsigned_part + "." + to_base64url(std::string(64, '\0')),
        token.substr(0, token.size() - 4),
        token + "AAAA",
        token + "=",
        changed,
        unsigned_part,
        "." + unsigned_part,
        token + "." + token,
        std::string("eyJ.."),
        std::string("eyJ")}) {
    EXPECT_THAT(verify(bad), HasCode(Code::Unauthenticated)) << bad;
  }
}

TEST_F(JwtTest, RefusesAlgorithmsTheIssuerIsNotAllowed) {
  PolicyFixture narrow(settings_with_issuer(R"(, "algorithms": ["RS256"])"));
  narrow.key_sets.published = maker.jwks();
  const auto policy = narrow.state.current().value();

  const auto verified = narrow.run(narrow.jwt.verify(
      &policy->policy, maker.token(narrow.clock.unix_ms()), narrow.context_without_token()
  ));

  EXPECT_THAT(verified, HasCode(Code::Unauthenticated));
  EXPECT_TRUE(narrow.key_sets.fetches.empty());
}

TEST_F(JwtTest, ScopesGiveRoles) {
  for (const auto& [more, roles] : std::vector<std::pair<std::string, std::string>>{
           {R"(,"scope":"sluice:use")", "caller"},
           {R"(,"scope":"  x  sluice:admin y")", "admin caller"},
           {R"(,"scp":["sluice:use","x"])", "caller"},
           {R"(,"scp":"sluice:use")", "caller"},
           {"", ""},
           {R"(,"scope":"sluice:users")", ""},
           {R"(,"scope":7,"scp":[7])", ""},
       }) {
    const auto verified = verify(maker.sign(maker.header(), claims(more)));
    if (roles.empty()) {
      EXPECT_THAT(verified, HasCode(Code::Denied)) << more;
      continue;
    }
    ASSERT_THAT(verified, IsOk()) << more;
    std::string joined;
    for (const std::string& role : verified.value().roles) {
      joined += (joined.empty() ? "" : " ") + role;
    }
    EXPECT_EQ(joined, roles) << more;
  }
}

TEST_F(JwtTest, WithinTheLeewayATokenLastsToItsEnd) {
  const auto verified = verify(maker.sign(maker.header(), claims_with("exp", in_seconds(-10))));

  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ(verified.value().ends_unix_ms, (fixture.clock.unix_ms() / 1000 + 20) * 1000);
}

}  // namespace
}  // namespace sluice::policy_engine
