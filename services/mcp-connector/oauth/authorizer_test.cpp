#include "services/mcp-connector/oauth/authorizer.h"

#include "services/mcp-connector/oauth/limits.h"
#include "services/mcp-connector/testing/oauth_rig.h"

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

class AuthorizerTest : public ::testing::Test {
 protected:
  ~AuthorizerTest() override { EXPECT_THAT(rig_.loop.finish(rig_.authorizer.close()), IsOk()); }

  std::shared_ptr<Authorization> open() {
    auto opened = rig_.loop.finish(rig_.authorizer.open(&rig_.config));
    EXPECT_THAT(opened, IsOk());
    return std::move(opened).value();
  }

  std::string header(const std::shared_ptr<Authorization>& authorization) {
    return rig_.loop.finish(authorization->header()).value().reveal();
  }

  Result<bool> refuse(
      const std::shared_ptr<Authorization>& authorization,
      int status,
      const std::string& parameters,
      const std::string& used
  ) {
    return rig_.loop.finish(
        authorization->refused(status, OAuthRig::challenge(parameters), Secret<std::string>(used))
    );
  }

  void use_own_credentials() {
    rig_.config.oauth.grant = Grant::ClientCredentials;
    rig_.config.oauth.client = {
        .id = "gateway", .secret = Secret<std::string>("s3cret"), .metadata_url = ""
    };
  }

  OAuthRig rig_;
};

TEST_F(AuthorizerTest, WithoutTokensAPersonIsAskedFor) {
  const auto authorization = open();
  EXPECT_EQ(header(authorization), "");

  const auto refused = refuse(authorization, 401, R"(scope="a b")", "");

  ASSERT_THAT(refused, HasCode(Code::Unauthenticated));
  EXPECT_THAT(
      refused.error().message(),
      HasSubstr("POST /api/mcp/client/" + rig_.config.id.str() + "/authorize")
  );
  EXPECT_EQ(rig_.store.demands.at(rig_.owner()).challenge.scopes, (Scopes{"a", "b"}));
}

TEST_F(AuthorizerTest, APrincipalHasTokensOfItsOwn) {
  rig_.keep("of the gateway", "refresh-1");
  rig_.config.auth_type = "per_user_oauth";
  rig_.config.token_owner = "t/key:ada";
  const auto authorization = open();
  EXPECT_EQ(header(authorization), "");

  const auto refused = refuse(authorization, 401, R"(scope="a")", "");

  ASSERT_THAT(refused, HasCode(Code::Unauthenticated));
  EXPECT_THAT(refused.error().message(), HasSubstr("/authorize with your own key"));
  const TokenOwner ada{rig_.config.id.str(), "t/key:ada"};
  EXPECT_EQ(rig_.store.demands.at(ada).challenge.scopes, Scopes{"a"});
  rig_.store.tokens[ada] = rig_.store.tokens.at(rig_.owner());
  rig_.store.tokens[ada].access = Secret<std::string>("of ada");
  ASSERT_THAT(refuse(authorization, 401, R"(scope="a")", ""), IsOk());
  EXPECT_EQ(header(authorization), "Bearer of ada");
}

TEST_F(AuthorizerTest, KeptTokensAreSentAndARefusedOneIsRenewedOnce) {
  rig_.keep("old", "refresh-1");
  rig_.gives("new", R"(,"refresh_token":"refresh-2","expires_in":3600)");
  const auto authorization = open();
  EXPECT_EQ(header(authorization), "Bearer old");

  EXPECT_THAT(refuse(authorization, 401, R"(error="invalid_token")", "Bearer old"), IsOk());
  EXPECT_THAT(refuse(authorization, 401, "", "Bearer old"), IsOk()) << "renewed meanwhile";

  EXPECT_EQ(header(authorization), "Bearer new");
  const auto asked = rig_.http.bodies_to(OAuthRig::kToken);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_THAT(
      asked.front(),
      AllOf(
          HasSubstr("grant_type=refresh_token"),
          HasSubstr("refresh_token=refresh-1"),
          HasSubstr("resource=https%3A%2F%2Fmcp.example%2Fmcp")
      )
  );
  EXPECT_EQ(rig_.store.tokens.at(rig_.owner()).refresh.reveal(), "refresh-2");
}

TEST_F(AuthorizerTest, ATokenIsRenewedBeforeItsEnd) {
  rig_.keep("old", "refresh-1").expires_unix_ms =
      rig_.loop.clock.unix_ms() + std::chrono::milliseconds(std::chrono::hours(1)).count();
  rig_.gives("new", R"(,"expires_in":3600)");
  const auto authorization = open();
  rig_.loop.advance(std::chrono::minutes(58));
  EXPECT_EQ(header(authorization), "Bearer old");

  rig_.loop.advance(std::chrono::minutes(1) + std::chrono::seconds(1));

  EXPECT_EQ(header(authorization), "Bearer new");
  EXPECT_EQ(header(authorization), "Bearer new");
  EXPECT_EQ(rig_.http.bodies_to(OAuthRig::kToken).size(), 1U);
}

TEST_F(AuthorizerTest, AFailedEarlyRenewalLeavesTheOldToken) {
  rig_.keep("old", "refresh-1").expires_unix_ms = rig_.loop.clock.unix_ms() + 1000;
  rig_.http.on(OAuthRig::kToken, 503, "");
  const auto authorization = open();
  rig_.loop.advance(std::chrono::milliseconds(900));

  EXPECT_EQ(header(authorization), "Bearer old");
  EXPECT_EQ(header(authorization), "Bearer old");
  EXPECT_EQ(rig_.http.bodies_to(OAuthRig::kToken).size(), 1U);
  EXPECT_THAT(refuse(authorization, 401, "", "Bearer old"), HasCode(Code::Unavailable));
  EXPECT_TRUE(rig_.store.tokens.contains(rig_.owner())) << "it may be renewed later";
}

TEST_F(AuthorizerTest, AnEndedAuthorizationTakesAPerson) {
  rig_.keep("old", "refresh-1");
  rig_.http.on(OAuthRig::kToken, 400, R"({"error":"invalid_grant"})");
  const auto authorization = open();

  EXPECT_THAT(refuse(authorization, 401, "", "Bearer old"), HasCode(Code::Unauthenticated));

  EXPECT_EQ(header(authorization), "");
  EXPECT_TRUE(rig_.store.tokens.empty());
  EXPECT_EQ(rig_.store.demands.at(rig_.owner()).asked_before, Scopes{"a"});
}

TEST_F(AuthorizerTest, AnotherAuthorizationServerGetsNothingOfTheOldOne) {
  rig_.keep("old", "refresh-1");
  rig_.names_issuer("https://as2.example");
  rig_.serves("https://as2.example");
  const auto authorization = open();

  EXPECT_THAT(refuse(authorization, 401, "", "Bearer old"), HasCode(Code::Unauthenticated));

  EXPECT_TRUE(rig_.http.bodies_to("https://as2.example/token").empty());
  EXPECT_TRUE(rig_.http.bodies_to(OAuthRig::kToken).empty());
}

TEST_F(AuthorizerTest, TokensOfAnotherPlaceAreNotSent) {
  rig_.keep("old", "refresh-1");
  rig_.config.address = Secret<std::string>("https://elsewhere.example/mcp");

  EXPECT_EQ(header(open()), "");
}

TEST_F(AuthorizerTest, TokensThatAPersonBroughtMeanwhileAreTaken) {
  const auto authorization = open();
  rig_.keep("brought", "");

  const auto refused = refuse(authorization, 401, "", "");

  ASSERT_THAT(refused, IsOk());
  EXPECT_TRUE(refused.value());
  EXPECT_EQ(header(authorization), "Bearer brought");
}

TEST_F(AuthorizerTest, MoreRightsTakeAPersonOnceForTheSameScopes) {
  rig_.keep("old", "refresh-1");
  const auto authorization = open();

  const auto wanted =
      refuse(authorization, 403, R"(error="insufficient_scope", scope="write")", "Bearer old");
  ASSERT_THAT(wanted, HasCode(Code::Unauthenticated));
  EXPECT_THAT(wanted.error().message(), HasSubstr("write"));
  EXPECT_EQ(header(authorization), "Bearer old") << "it is still good for the rest";
  const auto& demand = rig_.store.demands.at(rig_.owner());
  EXPECT_EQ(demand.asked_before, Scopes{"a"});
  EXPECT_EQ(demand.challenge.scopes, Scopes{"write"});

  EXPECT_THAT(
      refuse(authorization, 403, R"(error="insufficient_scope", scope="a")", "Bearer old"),
      HasCode(Code::Denied)
  ) << "asking again would change nothing";
  const auto other = refuse(authorization, 403, R"(error="access_denied")", "Bearer old");
  ASSERT_THAT(other, IsOk());
  EXPECT_FALSE(other.value());
}

TEST_F(AuthorizerTest, OwnCredentialsNeedNoPerson) {
  use_own_credentials();
  rig_.gives("one", R"(,"expires_in":60)");
  rig_.gives("two");
  const auto authorization = open();

  ASSERT_THAT(refuse(authorization, 401, R"(scope="read")", ""), IsOk());
  EXPECT_EQ(header(authorization), "Bearer one");
  ASSERT_THAT(
      refuse(authorization, 403, R"(error="insufficient_scope", scope="write")", "Bearer one"),
      IsOk()
  );

  EXPECT_EQ(header(authorization), "Bearer two");
  const auto asked = rig_.http.bodies_to(OAuthRig::kToken);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_THAT(asked[0], AllOf(HasSubstr("client_credentials"), HasSubstr("scope=read")));
  EXPECT_THAT(asked[1], HasSubstr("scope=read%20write"));
  EXPECT_THAT(asked[0], Not(HasSubstr("s3cret"))) << "the secret is in the header";
}

TEST_F(AuthorizerTest, ASecretGoesToNoOtherIssuerThanTheOperators) {
  use_own_credentials();
  rig_.config.oauth.issuer = "https://own.example";
  const auto authorization = open();

  EXPECT_THAT(refuse(authorization, 401, "", ""), HasCode(Code::Denied));
  EXPECT_TRUE(rig_.http.bodies_to(OAuthRig::kToken).empty());
}

TEST_F(AuthorizerTest, RequestsThatAreRefusedTogetherShareOneRenewal) {
  rig_.keep("old", "refresh-1");
  rig_.gives("new");
  const auto authorization = open();

  const auto first = rig_.loop.start(
      authorization->refused(401, OAuthRig::challenge(""), Secret<std::string>("Bearer old"))
  );
  const auto second = rig_.loop.start(
      authorization->refused(401, OAuthRig::challenge(""), Secret<std::string>("Bearer old"))
  );
  ASSERT_TRUE(rig_.loop.advance_until([&] { return first->done() && second->done(); }));

  EXPECT_EQ(rig_.http.bodies_to(OAuthRig::kToken).size(), 1U);
}

TEST_F(AuthorizerTest, WithoutTheStoreNothingIsOpened) {
  rig_.store.failing = true;
  EXPECT_THAT(rig_.loop.finish(rig_.authorizer.open(&rig_.config)), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
