#include "services/mcp-connector/oauth/flow.h"

#include "services/mcp-connector/testing/oauth_rig.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;

class AuthorizationFlowTest : public ::testing::Test {
 protected:
  Result<std::string> begin(const std::string& redirect = OAuthRig::kRedirect) {
    return rig_.loop.finish(rig_.flow.begin(&rig_.config, redirect, {"t1", "admin", ""}));
  }

  std::string state() { return rig_.store.pending.begin()->first; }

  Result<void> finish(Answer answer) {
    auto pending = rig_.loop.finish(rig_.flow.take(state()));
    if (!pending.ok()) {
      return pending.error();
    }
    return rig_.loop.finish(
        rig_.flow.finish(&rig_.config, std::move(pending).value(), std::move(answer))
    );
  }

  static Answer good() { return {.code = "code-1", .issuer = OAuthRig::kIssuer, .error = ""}; }

  OAuthRig rig_;
};

TEST_F(AuthorizationFlowTest, RegistersOnceAndSendsTheBrowserThere) {
  const auto url = begin();

  ASSERT_THAT(url, IsOk());
  EXPECT_THAT(url.value(), StartsWith("https://as.example/authorize?response_type=code"));
  EXPECT_THAT(url.value(), HasSubstr("client_id=registered"));
  EXPECT_THAT(url.value(), HasSubstr("state=" + state()));
  EXPECT_GE(state().size(), 43U);
  ASSERT_THAT(begin(), IsOk());
  EXPECT_EQ(rig_.http.bodies_to(OAuthRig::kRegister).size(), 1U);
  EXPECT_EQ(rig_.store.pending.size(), 2U);
}

TEST_F(AuthorizationFlowTest, AsksForWhatTheServerWanted) {
  rig_.store.demands[rig_.owner()] = {
      .challenge = {.resource_metadata = OAuthRig::kMetadata, .scopes = {"write"}, .error = ""},
      .issuer = OAuthRig::kIssuer,
      .asked_before = {"a"}
  };
  EXPECT_THAT(begin().value(), HasSubstr("scope=a%20write%20offline_access"));
  rig_.store.demands[rig_.owner()].issuer = "https://as-before.example";
  EXPECT_THAT(begin().value(), HasSubstr("scope=write%20offline_access"));
}

TEST_F(AuthorizationFlowTest, TheCodeBecomesTokens) {
  ASSERT_THAT(begin(), IsOk());
  const std::string verifier = rig_.store.pending.begin()->second.verifier;
  rig_.gives("access-1", R"(,"refresh_token":"refresh-1")");

  EXPECT_THAT(finish(good()), IsOk());

  EXPECT_EQ(rig_.store.tokens.at(rig_.owner()).access.reveal(), "access-1");
  const auto asked = rig_.http.bodies_to(OAuthRig::kToken);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_THAT(asked.front(), HasSubstr("code=code-1"));
  EXPECT_THAT(asked.front(), HasSubstr("code_verifier=" + verifier));
}

TEST_F(AuthorizationFlowTest, AStateIsGoodOnce) {
  ASSERT_THAT(begin(), IsOk());
  const std::string used = state();
  rig_.gives("access-1");
  ASSERT_THAT(finish(good()), IsOk());

  EXPECT_THAT(rig_.loop.finish(rig_.flow.take(used)), HasCode(Code::Denied));
  EXPECT_THAT(rig_.loop.finish(rig_.flow.take("guessed")), HasCode(Code::Denied));
  EXPECT_THAT(rig_.loop.finish(rig_.flow.take("")), HasCode(Code::Denied));
}

TEST_F(AuthorizationFlowTest, AnotherIssuersAnswerRedeemsNothing) {
  ASSERT_THAT(begin(), IsOk());

  EXPECT_THAT(
      finish({.code = "code-1", .issuer = "https://evil.example", .error = ""}),
      HasCode(Code::Denied)
  );

  EXPECT_TRUE(rig_.http.bodies_to(OAuthRig::kToken).empty());
  EXPECT_TRUE(rig_.store.tokens.empty());
  EXPECT_TRUE(rig_.store.pending.empty()) << "the state is used up";
}

TEST_F(AuthorizationFlowTest, AServerThatMovedGetsNoTokens) {
  ASSERT_THAT(begin(), IsOk());
  rig_.config.address = Secret<std::string>("https://elsewhere.example/mcp");

  EXPECT_THAT(finish(good()), HasCode(Code::Denied));
  EXPECT_TRUE(rig_.http.bodies_to(OAuthRig::kToken).empty());
}

TEST_F(AuthorizationFlowTest, AForgottenRegistrationIsMadeAnew) {
  ASSERT_THAT(begin(), IsOk());
  rig_.http.on(OAuthRig::kToken, 401, R"({"error":"invalid_client"})");

  EXPECT_THAT(finish(good()), HasCode(Code::Conflict));

  ASSERT_THAT(begin(), IsOk());
  EXPECT_EQ(rig_.http.bodies_to(OAuthRig::kRegister).size(), 2U);
}

TEST_F(AuthorizationFlowTest, NobodyIsSentWhereItIsNotSafe) {
  EXPECT_THAT(begin("http://gw.example/cb"), HasCode(Code::Invalid));
  EXPECT_THAT(begin("javascript://x/"), HasCode(Code::Invalid));
  EXPECT_THAT(begin("http://127.0.0.1:8080/cb"), IsOk());

  const std::string place =
      std::string(OAuthRig::kIssuer) + "/.well-known/oauth-authorization-server";
  const auto with = [&](const std::string& authorize, const std::string& methods) {
    rig_.http.forget(place);
    rig_.http.on(
        place,
        200,
        R"({"issuer":"https://as.example","token_endpoint":"https://as.example/token",)"
        R"("authorization_endpoint":")" +
            authorize + R"(","code_challenge_methods_supported":)" + methods + "}"
    );
  };
  with("http://as.example/authorize", R"(["S256"])");
  EXPECT_THAT(begin(), HasCode(Code::Invalid));
  with("https://as.example/authorize", R"(["plain"])");
  EXPECT_THAT(begin(), HasCode(Code::Denied));
  with("https://as.example/authorize", R"(["S256"])");
  EXPECT_THAT(begin(), HasCode(Code::Denied)) << "no way to become a client";
  rig_.config.oauth.client.id = "by-hand";
  EXPECT_THAT(begin(), IsOk());
}

TEST_F(AuthorizationFlowTest, OnlyServersThatTakeAPersonAreAuthorized) {
  rig_.config.oauth.grant = Grant::ClientCredentials;
  EXPECT_THAT(begin(), HasCode(Code::Invalid));
  rig_.config.oauth.grant = Grant::AuthorizationCode;
  rig_.config.auth_type = "headers";
  EXPECT_THAT(begin(), HasCode(Code::Invalid));
}

TEST_F(AuthorizationFlowTest, EndpointsOfTheSettingsNeedNoMetadata) {
  rig_.http.forget(std::string(OAuthRig::kIssuer) + "/.well-known/oauth-authorization-server");
  rig_.config.oauth.client.id = "by-hand";
  rig_.config.oauth.authorize_url = "https://as.example/a";
  rig_.config.oauth.token_url = "https://as.example/t";

  EXPECT_THAT(begin().value(), StartsWith("https://as.example/a?"));
}

TEST_F(AuthorizationFlowTest, AServerWithoutMetadataIsItsOwnAuthorizationServer) {
  rig_.http.forget(OAuthRig::kMetadata);
  rig_.serves("https://mcp.example");
  rig_.http.on("https://mcp.example/register", 201, R"({"client_id":"registered"})");

  const auto url = begin();

  ASSERT_THAT(url, IsOk());
  EXPECT_THAT(url.value(), StartsWith("https://mcp.example/authorize?"));
  EXPECT_THAT(url.value(), HasSubstr("resource=https%3A%2F%2Fmcp.example%2Fmcp"));
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
