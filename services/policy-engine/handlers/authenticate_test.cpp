#include "services/policy-engine/handlers/authenticate.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/jwt_maker.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/grant/grant.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

Result<policy::v1::AuthenticateReply> authenticate(PolicyFixture& fixture, std::string credential) {
  policy::v1::AuthenticateRequest request;
  request.set_credential(std::move(credential));
  return fixture.run((*fixture.authenticate)(request, fixture.context_without_token()));
}

TEST(AuthenticateHandler, AnswersASignedTokenForAKnownKey) {
  PolicyFixture fixture;

  const auto reply = authenticate(fixture, key_text("root"));

  ASSERT_THAT(reply, IsOk());
  const auto claims = grant::verify_token(
      fixture.token_ring, reply.value().caller_token(), fixture.clock.unix_ms()
  );
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims.value().SerializeAsString(), reply.value().claims().SerializeAsString());
  EXPECT_EQ(claims.value().tenant(), "default");
  EXPECT_EQ(claims.value().principal(), "key:root");
  EXPECT_EQ(claims.value().key_id(), "root");
  EXPECT_EQ(claims.value().roles_size(), 2);
  EXPECT_EQ(claims.value().policy_version(), 1U);
  EXPECT_FALSE(claims.value().filter().restricted());
  EXPECT_EQ(claims.value().not_after_unix_ms() - claims.value().not_before_unix_ms(), 60'000);
}

TEST(AuthenticateHandler, PutsTheKeysFilterIntoTheToken) {
  PolicyFixture fixture(
      R"({"mcp": {"client_configs": [{"name": "files", "connection_type": "stdio"}]}, "auth": {"keys": [)" +
      key_entry("alice", R"(, "tools": ["files-read_file"], "agent": "helper")") + "]}}"
  );

  const auto reply = authenticate(fixture, key_text("alice"));

  ASSERT_THAT(reply, IsOk());
  const auto& filter = reply.value().claims().filter();
  EXPECT_TRUE(filter.restricted());
  ASSERT_EQ(filter.servers_size(), 1);
  EXPECT_EQ(filter.servers(0), "*");
  ASSERT_EQ(filter.tools_size(), 1);
  EXPECT_EQ(filter.tools(0), "files-read_file");
  EXPECT_EQ(reply.value().claims().agent(), "helper");
}

TEST(AuthenticateHandler, RefusesUnknownCredentials) {
  PolicyFixture fixture;

  for (const std::string& credential :
       {std::string(), key_text("mallory"), key_text("alice") + " ", key_text("alice").substr(1)}) {
    const auto reply = authenticate(fixture, credential);

    ASSERT_THAT(reply, HasCode(Code::Unauthenticated));
    EXPECT_EQ(reply.error().message().find("sk-"), std::string::npos);
  }
}

TEST(AuthenticateHandler, RefusesEndlessCredentials) {
  PolicyFixture fixture;

  EXPECT_THAT(
      authenticate(fixture, std::string(kCredentialBytesMax + 1, 'x')), HasCode(Code::Invalid)
  );
}

TEST(AuthenticateHandler, IsUnavailableBeforeAPolicyIsLoadedAndWhileBehind) {
  PolicyFixture unloaded("", nullptr, PolicyFixture::Load::Later);
  EXPECT_THAT(authenticate(unloaded, key_text("alice")), HasCode(Code::Unavailable));

  PolicyFixture behind;
  behind.state.heard(2);
  policy::v1::AuthenticateRequest request;
  request.set_credential(key_text("alice"));
  EXPECT_THAT(
      behind.run_in_time(
          (*behind.authenticate)(request, behind.context_without_token()), kTakeOverInterval
      ),
      HasCode(Code::Unavailable)
  );
}

TEST(AuthenticateHandler, TakesAccessTokensBesideKeys) {
  PolicyFixture fixture(settings_with_issuer(R"(, "tenant": "t1")"));
  const JwtMaker maker;
  fixture.key_sets.published = maker.jwks();

  const auto reply = authenticate(fixture, maker.token(fixture.clock.unix_ms()));

  ASSERT_THAT(reply, IsOk());
  const auto claims = grant::verify_token(
      fixture.token_ring, reply.value().caller_token(), fixture.clock.unix_ms()
  );
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims.value().principal(), "jwt:login:ada");
  EXPECT_EQ(claims.value().tenant(), "t1");
  EXPECT_EQ(claims.value().key_id(), "jwt:login");
  ASSERT_EQ(claims.value().roles_size(), 1);
  EXPECT_EQ(claims.value().roles(0), "caller");
  EXPECT_EQ(claims.value().not_after_unix_ms() - claims.value().not_before_unix_ms(), 60'000);
  EXPECT_THAT(authenticate(fixture, key_text("alice")), IsOk());
}

TEST(AuthenticateHandler, ACallerTokenEndsWithItsAccessToken) {
  PolicyFixture fixture(settings_with_issuer());
  const JwtMaker maker;
  fixture.key_sets.published = maker.jwks();
  const std::string token = maker.token(fixture.clock.unix_ms());
  fixture.clock.advance(std::chrono::seconds(280));

  const auto reply = authenticate(fixture, token);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(
      reply.value().claims().not_after_unix_ms() - reply.value().claims().not_before_unix_ms(),
      20'000
  );
}

TEST(AuthenticateHandler, TheCallerOfAnAccessTokenMayDecideUntilItsIssuerIsGone) {
  PolicyFixture fixture(settings_with_issuer());
  const JwtMaker maker;
  fixture.key_sets.published = maker.jwks();
  const auto reply = authenticate(fixture, maker.token(fixture.clock.unix_ms()));
  ASSERT_THAT(reply, IsOk());
  RequestContext context = fixture.context_without_token();
  context.caller_token = reply.value().caller_token();

  const auto decided = fixture.run(
      (*fixture.decide)(fixture.request_for("read_file", policy::v1::MODE_MANUAL), context)
  );
  ASSERT_THAT(decided, IsOk());
  EXPECT_FALSE(decided.value().decisions(0).grant().empty());

  ASSERT_THAT(
      fixture.run(fixture.binding.claim(policy_of(PolicyFixture::default_settings()))), IsOk()
  );
  EXPECT_THAT(
      fixture.run(
          (*fixture.decide)(fixture.request_for("read_file", policy::v1::MODE_MANUAL), context)
      ),
      HasCode(Code::Unauthenticated)
  );
}

TEST(AuthenticateHandler, PrincipalsOfIssuersAreNoKeys) {
  const CallerKey issuer{
      .id = "jwt:login",
      .digest = {},
      .tenant = "t",
      .roles = {},
      .agent = {},
      .servers = {},
      .tools = {}
  };
  EXPECT_TRUE(issuer.may_name("jwt:login:ada"));
  EXPECT_FALSE(issuer.may_name("jwt:login2:ada"));
  EXPECT_FALSE(issuer.may_name("key:login"));
  const CallerKey key{
      .id = "login",
      .digest = {},
      .tenant = "t",
      .roles = {},
      .agent = {},
      .servers = {},
      .tools = {}
  };
  EXPECT_TRUE(key.may_name("key:login"));
  EXPECT_FALSE(key.may_name("jwt:login:ada"));
}

}  // namespace
}  // namespace sluice::policy_engine
