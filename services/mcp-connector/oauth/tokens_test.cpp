#include "services/mcp-connector/oauth/tokens.h"

#include "services/mcp-connector/oauth/pkce.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

using ::testing::AllOf;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

constexpr std::int64_t kNow = 1'700'000'000'000;

Tokens tokens(ClientAuth auth = ClientAuth::None) {
  return {
      .issuer = "https://as.example",
      .resource = "https://mcp.example/mcp",
      .token_endpoint = "https://as.example/token",
      .client = {.id = "client/1", .secret = Secret<std::string>("s:1"), .auth = auth},
      .access = Secret<std::string>("access-1"),
      .refresh = Secret<std::string>("refresh-1"),
      .scopes = {"a", "b"},
      .expires_unix_ms = kNow
  };
}

Pending pending(bool expects_issuer = true) {
  return {
      .server_id = "0123456789abcdef",
      .principal = "",
      .tenant = "t1",
      .began_by = "admin",
      .redirect_uri = "https://gw.example/cb",
      .verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      .expects_issuer = expects_issuer,
      .tokens = tokens()
  };
}

TEST(Pkce, IsTheExampleOfTheStandard) {
  EXPECT_EQ(challenge_of(pending().verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  EXPECT_GE(new_verifier().size(), 43U);
  EXPECT_NE(new_verifier(), new_verifier());
}

TEST(AuthorizationUrl, CarriesAllThatTheAnswerIsBoundTo) {
  IssuerMetadata metadata;
  metadata.authorization_endpoint = "https://as.example/authorize?tenant=1";

  EXPECT_EQ(
      authorization_url(pending(), metadata, "state-1"),
      "https://as.example/authorize?tenant=1&response_type=code&client_id=client%2F1"
      "&redirect_uri=https%3A%2F%2Fgw.example%2Fcb&state=state-1"
      "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
      "&resource=https%3A%2F%2Fmcp.example%2Fmcp&scope=a%20b"
  );
  auto without = pending();
  without.tokens.scopes.clear();
  EXPECT_THAT(authorization_url(without, metadata, "s"), Not(HasSubstr("scope=")));
}

TEST(CheckAnswer, TheIssuerIsComparedAsItIs) {
  const std::string same = "https://as.example";
  EXPECT_THAT(check_answer({.code = "c", .issuer = same, .error = ""}, pending()), IsOk());
  EXPECT_THAT(check_answer({.code = "c", .issuer = "", .error = ""}, pending(false)), IsOk());
  for (const bool expected : {true, false}) {
    for (const char* other :
         {"https://evil.example", "https://as.example/", "https://AS.example"}) {
      EXPECT_THAT(
          check_answer({.code = "c", .issuer = other, .error = ""}, pending(expected)),
          HasCode(Code::Denied)
      ) << other;
    }
  }
  EXPECT_THAT(
      check_answer({.code = "c", .issuer = "", .error = ""}, pending()), HasCode(Code::Denied)
  );
}

TEST(CheckAnswer, ARefusalIsNotShownInItsWords) {
  const auto refused =
      check_answer({.code = "", .issuer = "https://as.example", .error = "<script>"}, pending());
  ASSERT_THAT(refused, HasCode(Code::Denied));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("script")));
}

TEST(TokenRequests, AuthenticateTheClientAsAgreed) {
  const auto none = redeem_request(pending(), "c&1");
  EXPECT_EQ(none.authorization, "");
  EXPECT_EQ(
      none.body,
      "grant_type=authorization_code&code=c%261&redirect_uri=https%3A%2F%2Fgw.example%2Fcb"
      "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
      "&resource=https%3A%2F%2Fmcp.example%2Fmcp&client_id=client%2F1"
  );
  const auto basic = refresh_request(tokens(ClientAuth::Basic));
  EXPECT_EQ(basic.authorization, "Basic " + to_base64("client%2F1:s%3A1"));
  EXPECT_THAT(basic.body, AllOf(HasSubstr("refresh_token=refresh-1"), Not(HasSubstr("client"))));
  const auto post = client_credentials_request(tokens(ClientAuth::Post));
  EXPECT_EQ(post.authorization, "");
  EXPECT_THAT(post.body, AllOf(HasSubstr("client_secret=s%3A1"), HasSubstr("scope=a%20b")));
}

TEST(TokenResponse, ReplacesWhatItBrings) {
  const auto rotated = parse_token_response(
      200,
      R"({"access_token":"new","token_type":"bearer","expires_in":60,"refresh_token":"r2"})",
      tokens(),
      kNow
  );
  ASSERT_THAT(rotated, IsOk());
  EXPECT_EQ(rotated.value().access.reveal(), "new");
  EXPECT_EQ(rotated.value().refresh.reveal(), "r2");
  EXPECT_EQ(rotated.value().expires_unix_ms, kNow + 60'000);
  const auto kept =
      parse_token_response(200, R"({"access_token":"new","token_type":"Bearer"})", tokens(), kNow);
  EXPECT_EQ(kept.value().refresh.reveal(), "refresh-1");
  EXPECT_EQ(kept.value().expires_unix_ms, 0);
}

TEST(TokenResponse, SaysWhatToDoAboutARefusal) {
  const auto code_of = [](int status, const std::string& body) {
    return parse_token_response(status, body, tokens(), kNow).error().code();
  };
  EXPECT_EQ(code_of(400, R"({"error":"invalid_grant"})"), Code::Unauthenticated);
  EXPECT_EQ(code_of(401, R"({"error":"invalid_client"})"), Code::Conflict);
  EXPECT_EQ(code_of(400, R"({"error":"invalid_scope"})"), Code::Denied);
  EXPECT_EQ(code_of(400, "<html>"), Code::Denied);
  EXPECT_EQ(code_of(503, ""), Code::Unavailable);
  EXPECT_EQ(code_of(200, "{}"), Code::Invalid);
  EXPECT_EQ(code_of(200, R"({"access_token":"a\r\nb","token_type":"Bearer"})"), Code::Invalid);
  EXPECT_EQ(code_of(200, R"({"access_token":"a","token_type":"DPoP"})"), Code::Invalid);
}

TEST(Kept, IsReadAsItWasWritten) {
  const auto read = read_pending(write_pending(pending()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(write_pending(*read), write_pending(pending()));
  EXPECT_EQ(write_tokens(*read_tokens(write_tokens(tokens()))), write_tokens(tokens()));
  EXPECT_EQ(read_client(write_client(tokens(ClientAuth::Post).client))->auth, ClientAuth::Post);
  EXPECT_FALSE(read_tokens("{}").has_value());
  EXPECT_FALSE(read_pending("x").has_value());
  EXPECT_FALSE(read_client("{}").has_value());
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
