#include "services/mcp-connector/oauth/challenge.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

std::optional<Challenge> read(std::vector<std::string> values) {
  http::Headers headers;
  headers.add("Content-Type", "application/json");
  for (std::string& value : values) {
    headers.add("WWW-Authenticate", std::move(value));
  }
  return bearer_challenge(headers);
}

TEST(BearerChallenge, SaysWhereMetadataAreAndWhatItTakes) {
  const auto challenge =
      read({R"(Bearer error="insufficient_scope", scope="files:read files:write", )"
            R"(resource_metadata="https://mcp.example/.well-known/oauth-protected-resource",)"
            R"( error_description="a, \"b\"")"});

  ASSERT_TRUE(challenge.has_value());
  EXPECT_EQ(
      challenge->resource_metadata, "https://mcp.example/.well-known/oauth-protected-resource"
  );
  EXPECT_EQ(challenge->scopes, (Scopes{"files:read", "files:write"}));
  EXPECT_EQ(challenge->error, "insufficient_scope");
}

TEST(BearerChallenge, IsFoundAmongOthersInAnyForm) {
  EXPECT_TRUE(read({"Bearer"}).has_value());
  EXPECT_EQ(read({"bEaReR SCOPE=a"})->scopes, Scopes{"a"});
  EXPECT_EQ(read({R"(Basic realm="x", Bearer scope="a")"})->scopes, Scopes{"a"});
  EXPECT_EQ(read({R"(Bearer scope="a", Basic realm="x", scope="b")"})->scopes, Scopes{"a"});
  EXPECT_EQ(read({R"(Negotiate YWJj==, Bearer scope = "a")"})->scopes, Scopes{"a"});
  EXPECT_EQ(read({"Basic realm=x", "Bearer scope=a"})->scopes, Scopes{"a"});
  EXPECT_EQ(read({R"(,, Bearer ,, scope="a" ,)"})->scopes, Scopes{"a"});
}

TEST(BearerChallenge, WhatCannotBeReadIsNone) {
  EXPECT_FALSE(read({}).has_value());
  EXPECT_FALSE(read({"Basic realm=x"}).has_value());
  EXPECT_FALSE(read({R"(Bearer scope="a)"}).has_value());
  EXPECT_FALSE(read({R"(Bearer scope="a\)"}).has_value());
  EXPECT_FALSE(read({R"(="a")"}).has_value());
  EXPECT_FALSE(read({"Bearer x=" + std::string(20'000, 'a')}).has_value());
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
