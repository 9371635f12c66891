#include "services/mcp-connector/config_oauth.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;

struct Read {
  ServerConfig server;
  std::string faults;
  std::vector<std::string> warnings;
};

Read read(const std::string& members, config::Environment environment = {}) {
  auto document = config::Document::from_text(
      R"({"mcp":{"client_configs":[{"name":"a","connection_type":"http","auth_type":"oauth",)"
      R"("connection_string":"https://mcp.example/mcp",)" +
          members + "}]}}",
      std::move(environment)
  );
  EXPECT_THAT(document, IsOk());
  Read out;
  out.server = read_servers(document.value()).at(0);
  const auto finished = document.value().finish();
  out.faults = finished.ok() ? "" : finished.error().message();
  out.warnings = document.value().warnings();
  return out;
}

TEST(ReadOAuth, NeedsNothing) {
  const auto out = read(R"("tools_to_execute":["*"])");

  EXPECT_EQ(out.faults, "");
  EXPECT_THAT(out.warnings, IsEmpty());
  EXPECT_EQ(out.server.oauth.grant, Grant::AuthorizationCode);
  EXPECT_EQ(out.server.oauth.client.id, "");
}

TEST(ReadOAuth, UsersWithTokensOfTheirOwnShareNoConnection) {
  const auto read_user = [](const std::string& members) {
    auto document = config::Document::from_text(
        R"({"mcp":{"client_configs":[{"name":"a","connection_type":"http",)"
        R"("auth_type":"per_user_oauth","connection_string":"https://mcp.example/mcp")" +
            members + "}]}}",
        {}
    );
    auto server = read_servers(document.value()).at(0);
    const auto finished = document.value().finish();
    return std::pair(std::move(server), finished.ok() ? "" : finished.error().message());
  };

  const auto [plain, no_faults] = read_user("");
  EXPECT_EQ(no_faults, "");
  EXPECT_TRUE(plain.has_user_tokens() && plain.uses_oauth());
  EXPECT_EQ(plain.sharing, Sharing::PerPrincipal);
  EXPECT_EQ(read_user(R"(,"sharing":"per_session")").first.sharing, Sharing::PerSession);
  EXPECT_THAT(read_user(R"(,"sharing":"shared")").second, HasSubstr("sharing"));
  EXPECT_THAT(
      read_user(
          R"(,"oauth_config":{"grant":"client_credentials","client_id":"i","client_secret":"s",)"
          R"("issuer":"https://as.example"})"
      )
          .second,
      HasSubstr("grant")
  );
}

TEST(ReadOAuth, TakesBifrostsShapeAndHidesTheSecret) {
  const auto out = read(
      R"("oauth_config":{"client_id":"i","client_secret":"env.SECRET","scopes":["read","write"],)"
      R"("authorize_url":"https://as.example/a","token_url":"https://as.example/t"})",
      {{"SECRET", "s3cret"}}
  );

  EXPECT_EQ(out.faults, "");
  EXPECT_THAT(out.warnings, IsEmpty());
  const auto& oauth = out.server.oauth;
  EXPECT_EQ(oauth.client.id, "i");
  EXPECT_EQ(oauth.client.secret.reveal(), "s3cret");
  EXPECT_EQ(oauth.scopes, (oauth::Scopes{"read", "write"}));
  EXPECT_EQ(oauth.token_url, "https://as.example/t");
  EXPECT_THAT(out.server.shown, Not(HasSubstr("s3cret")));
  EXPECT_THAT(out.server.shown, HasSubstr(R"("client_secret":"env.SECRET")"));
  EXPECT_THAT(
      read(R"("oauth_config":{"client_id":"i","client_secret":"plain"})").server.shown,
      HasSubstr(R"("client_secret":"***")")
  );
}

TEST(ReadOAuth, ASecretWithoutAnIssuerIsWarnedOf) {
  EXPECT_EQ(read(R"("oauth_config":{"client_id":"i","client_secret":"s"})").warnings.size(), 1U);
  EXPECT_THAT(
      read(R"("oauth_config":{"client_id":"i","client_secret":"s","issuer":"https://as.example"})")
          .warnings,
      IsEmpty()
  );
}

TEST(ReadOAuth, WhatCannotWorkIsAFault) {
  for (const char* config :
       {R"({"grant":"client_credentials"})",
        R"({"grant":"client_credentials","client_id":"i"})",
        R"({"grant":"password"})",
        R"({"client_metadata_url":"http://gw.example/client.json"})",
        R"({"client_metadata_url":"https://gw.example"})",
        R"({"redirect_uri":"javascript:x"})",
        R"({"token_url":"https://as.example/t"})",
        R"({"unknown":1})"}) {
    EXPECT_NE(read(R"("oauth_config":)" + std::string(config)).faults, "") << config;
  }
  EXPECT_THAT(
      read(R"("headers":{"AUTHORIZATION":"Bearer x"})").faults, HasSubstr("which OAuth sets")
  );
}

}  // namespace
}  // namespace sluice::mcp_connector
