#include "services/policy-engine/domain/jwks.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/jwt_maker.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

// RFC 7517 appendix A.1.
const std::string kEc =
    R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"})";
const std::string kRsa =
    R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";

std::string set_of(const std::string& keys) {
  return R"({"keys":[)" + keys + "]}";
}

TEST(Jwks, TakesTheKeysThatVerifySignatures) {
  const JwtMaker maker;

  const auto keys = parse_jwks(set_of(kEc + "," + kRsa + "," + maker.jwk()));

  ASSERT_THAT(keys, IsOk());
  ASSERT_EQ(keys.value().size(), 3U);
  EXPECT_EQ(keys.value()[0].id, "1");
  EXPECT_EQ(keys.value()[0].key.algorithm(), crypto::JwsAlgorithm::Es256);
  EXPECT_EQ(keys.value()[1].key.algorithm(), crypto::JwsAlgorithm::Rs256);
  EXPECT_EQ(keys.value()[2].key.algorithm(), crypto::JwsAlgorithm::EdDsa);
}

TEST(Jwks, LeavesOutWhatIsForSomethingElse) {
  std::string encrypting = kEc;
  encrypting.replace(encrypting.find("\"sig\""), 5, "\"enc\"");
  std::string other_algorithm = kRsa;
  other_algorithm.replace(other_algorithm.find("RS256"), 5, "PS256");
  const std::string secret = R"({"kty":"oct","k":"c2VjcmV0","alg":"HS256"})";
  const std::string other_curve = R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})";
  const std::string no_key = R"({"kty":"RSA"},7,{})";

  const auto keys = parse_jwks(set_of(
      encrypting + "," + other_algorithm + "," + secret + "," + other_curve + "," + no_key + "," +
      JwtMaker().jwk()
  ));

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys.value().size(), 1U);
}

TEST(Jwks, RefusesWhatIsNoSetOrHasNoKey) {
  std::string many = JwtMaker().jwk();
  for (std::size_t i = 0; i < kJwksKeysMax; ++i) {
    many.append(",{}");
  }
  for (const std::string& text :
       {std::string(),
        std::string("[]"),
        std::string("{}"),
        std::string(R"({"keys":{}})"),
        set_of(""),
        set_of("{}"),
        set_of(many),
        std::string("<html>")}) {
    EXPECT_THAT(parse_jwks(text), HasCode(Code::Invalid)) << text;
  }
}

TEST(Jwks, LooksForMetadataWhereTheStandardsSay) {
  EXPECT_EQ(
      metadata_urls("https://as.example/"),
      (std::vector<std::string>{
          "https://as.example/.well-known/oauth-authorization-server",
          "https://as.example/.well-known/openid-configuration"
      })
  );
  EXPECT_EQ(
      metadata_urls("https://as.example:1/t/x"),
      (std::vector<std::string>{
          "https://as.example:1/.well-known/oauth-authorization-server/t/x",
          "https://as.example:1/.well-known/openid-configuration/t/x",
          "https://as.example:1/t/x/.well-known/openid-configuration"
      })
  );
}

TEST(Jwks, TakesMetadataOfTheIssuerOnly) {
  const std::string metadata =
      R"({"issuer":"https://as.example","jwks_uri":"https://as.example/k"})";

  EXPECT_EQ(jwks_url_of(metadata, "https://as.example").value(), "https://as.example/k");
  EXPECT_THAT(jwks_url_of(metadata, "https://as.example/"), HasCode(Code::Invalid));
  EXPECT_THAT(jwks_url_of(R"({"issuer":"a"})", "a"), HasCode(Code::Invalid));
  EXPECT_THAT(jwks_url_of("{", "a"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::policy_engine
