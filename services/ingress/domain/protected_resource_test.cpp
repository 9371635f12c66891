#include "services/ingress/domain/protected_resource.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

ProtectedResource resource() {
  return {
      .public_url = "https://gw.example",
      .authorization_servers = {"https://login.example"},
      .scopes = {"sluice:admin", "sluice:use"},
      .needed_scope = "sluice:use"
  };
}

http::HttpRequest request(const std::string& path, bool with_token) {
  http::HttpRequest made;
  made.path = path;
  if (with_token) {
    made.headers.add("authorization", "Bearer x");
  }
  return made;
}

const Error kRefused(Code::Unauthenticated, "no");

TEST(ProtectedResource, ItsMetadataLeadToTheAuthorizationServer) {
  EXPECT_EQ(
      resource().metadata(""),
      R"({"resource":"https://gw.example/mcp","authorization_servers":["https://login.example"],)"
      R"("scopes_supported":["sluice:admin","sluice:use"],"bearer_methods_supported":["header"]})"
  );
  EXPECT_NE(resource().metadata("Dev").find(R"("resource_name":"Dev")"), std::string::npos);
  EXPECT_EQ(metadata_path("/mcp/dev"), "/.well-known/oauth-protected-resource/mcp/dev");
  EXPECT_EQ(metadata_path(""), "/.well-known/oauth-protected-resource");
}

TEST(ProtectedResource, NeedsBothAUrlAndAnIssuer) {
  EXPECT_TRUE(resource().is_configured());
  ProtectedResource without_url = resource();
  without_url.public_url.clear();
  EXPECT_FALSE(without_url.is_configured());
  ProtectedResource without_issuer = resource();
  without_issuer.authorization_servers.clear();
  EXPECT_FALSE(without_issuer.is_configured());
}

TEST(Challenge, SaysWhereATokenComesFrom) {
  const ProtectedResource here = resource();
  const std::string rest =
      R"(resource_metadata="https://gw.example/.well-known/oauth-protected-resource/mcp", scope="sluice:use")";

  EXPECT_EQ(Challenge(&here, request("/mcp", false)).header_for(kRefused), "Bearer " + rest);
  EXPECT_EQ(
      Challenge(&here, request("/mcp", true)).header_for(kRefused),
      "Bearer error=\"invalid_token\", " + rest
  );
  EXPECT_EQ(
      Challenge(&here, request("/mcp", true)).header_for(Error(Code::Denied, "scopes")),
      "Bearer error=\"insufficient_scope\", " + rest
  );
  EXPECT_NE(
      Challenge(&here, request("/mcp/dev", false)).header_for(kRefused).find("-resource/mcp/dev\""),
      std::string::npos
  );
  EXPECT_NE(
      Challenge(&here, request("/sse", false)).header_for(kRefused).find("-resource/mcp\""),
      std::string::npos
  );
}

TEST(Challenge, IsPlainWhereNothingIsConfigured) {
  EXPECT_EQ(Challenge(nullptr, request("/mcp", false)).header_for(kRefused), "Bearer");
  const ProtectedResource nothing;
  EXPECT_EQ(Challenge(&nothing, request("/mcp", false)).header_for(kRefused), "Bearer");
  EXPECT_EQ(
      Challenge(nullptr, request("/mcp", true)).header_for(kRefused),
      "Bearer error=\"invalid_token\""
  );
}

TEST(Challenge, IsForRefusedCallersOnly) {
  EXPECT_EQ(
      Challenge(nullptr, request("/mcp", false)).header_for(Error(Code::Unavailable, "later")), ""
  );
}

}  // namespace
}  // namespace sluice::ingress
