#include "services/mcp-connector/oauth/metadata.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

using testing::HasCode;
using testing::IsOk;
using Urls = std::vector<std::string>;

constexpr const char* kServer = "https://mcp.example/a/mcp";
constexpr const char* kIssuer = "https://as.example";

TEST(ResourceMetadataUrls, ThePlaceToldElseThePathElseTheRoot) {
  EXPECT_EQ(
      resource_metadata_urls(kServer, ""),
      (Urls{
          "https://mcp.example/.well-known/oauth-protected-resource/a/mcp",
          "https://mcp.example/.well-known/oauth-protected-resource"
      })
  );
  EXPECT_EQ(resource_metadata_urls(kServer, "https://x.example/m"), Urls{"https://x.example/m"});
  EXPECT_EQ(resource_metadata_urls(kServer, "file:///etc/passwd"), Urls{});
  EXPECT_EQ(
      resource_metadata_urls("https://mcp.example/", ""),
      Urls{"https://mcp.example/.well-known/oauth-protected-resource"}
  );
}

TEST(IssuerMetadataUrls, InTheOrderOfTheSpecification) {
  EXPECT_EQ(
      issuer_metadata_urls("https://as.example/tenant1"),
      (Urls{
          "https://as.example/.well-known/oauth-authorization-server/tenant1",
          "https://as.example/.well-known/openid-configuration/tenant1",
          "https://as.example/tenant1/.well-known/openid-configuration"
      })
  );
  EXPECT_EQ(
      issuer_metadata_urls(kIssuer),
      (Urls{
          "https://as.example/.well-known/oauth-authorization-server",
          "https://as.example/.well-known/openid-configuration"
      })
  );
}

TEST(ParseResourceMetadata, TakesTheResourceAsItIsPublished) {
  const auto metadata = parse_resource_metadata(
      R"({"resource":"https://mcp.example","authorization_servers":["https://as.example","https://b"],)"
      R"("scopes_supported":["a","b",7]})",
      kServer
  );

  ASSERT_THAT(metadata, IsOk());
  EXPECT_EQ(metadata.value().resource, "https://mcp.example");
  EXPECT_EQ(metadata.value().issuer, kIssuer);
  EXPECT_EQ(metadata.value().scopes, (Scopes{"a", "b"}));
}

TEST(ParseResourceMetadata, RefusesThoseOfAnotherResource) {
  for (const char* body :
       {R"({"resource":"https://evil.example/a/mcp","authorization_servers":["https://as.example"]})",
        R"({"authorization_servers":["https://as.example"]})",
        R"({"resource":"https://mcp.example/a/mcp","authorization_servers":[]})",
        R"({"resource":"https://mcp.example/a/mcp","authorization_servers":["file:///x"]})",
        R"([])",
        "no JSON"}) {
    EXPECT_THAT(parse_resource_metadata(body, kServer), HasCode(Code::Invalid)) << body;
  }
}

std::string issuer_document(const std::string& more = "") {
  return R"({"issuer":"https://as.example","authorization_endpoint":"https://as.example/authorize",)"
         R"("token_endpoint":"https://as.example/token")" +
         more + "}";
}

TEST(ParseIssuerMetadata, ReadsWhatIsNeeded) {
  const auto metadata = parse_issuer_metadata(
      issuer_document(
          R"(,"registration_endpoint":"https://as.example/register","scopes_supported":["a"],)"
          R"("code_challenge_methods_supported":["plain","S256"],)"
          R"("token_endpoint_auth_methods_supported":["none"],)"
          R"("authorization_response_iss_parameter_supported":true,)"
          R"("client_id_metadata_document_supported":true)"
      ),
      kIssuer
  );

  ASSERT_THAT(metadata, IsOk());
  EXPECT_EQ(metadata.value().token_endpoint, "https://as.example/token");
  EXPECT_EQ(metadata.value().registration_endpoint, "https://as.example/register");
  EXPECT_TRUE(metadata.value().names_itself_in_answers);
  EXPECT_TRUE(metadata.value().reads_client_metadata);
  EXPECT_THAT(check_pkce(metadata.value()), IsOk());
}

TEST(ParseIssuerMetadata, RefusesAnotherIssuerWithoutNormalising) {
  EXPECT_THAT(
      parse_issuer_metadata(issuer_document(), "https://as.example/"), HasCode(Code::Invalid)
  );
  EXPECT_THAT(
      parse_issuer_metadata(issuer_document(), "https://AS.example"), HasCode(Code::Invalid)
  );
  EXPECT_THAT(parse_issuer_metadata("{}", kIssuer), HasCode(Code::Invalid));
  EXPECT_THAT(
      parse_issuer_metadata(
          R"({"issuer":"https://as.example","token_endpoint":"data:,"})", kIssuer
      ),
      HasCode(Code::Invalid)
  );
}

TEST(CheckPkce, TakesS256ThatIsTold) {
  EXPECT_THAT(
      check_pkce(parse_issuer_metadata(issuer_document(), kIssuer).value()), HasCode(Code::Denied)
  );
  EXPECT_THAT(
      check_pkce(parse_issuer_metadata(
                     issuer_document(R"(,"code_challenge_methods_supported":["plain"])"), kIssuer
      )
                     .value()),
      HasCode(Code::Denied)
  );
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
