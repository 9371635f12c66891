// Metadata documents: of an MCP server as a protected resource (RFC 9728), and of an authorization
// server (RFC 8414, OpenID Connect Discovery 1.0). Both come from elsewhere and are believed only
// where they agree with where they were asked for.
#pragma once

#include "services/mcp-connector/oauth/scopes.h"

#include "common/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector::oauth {

struct ResourceMetadata {
  std::string resource;  // as published; goes into every request as it is
  std::string issuer;    // the first authorization server
  Scopes scopes;         // supported; none: not told
};

struct IssuerMetadata {
  std::string issuer;
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string registration_endpoint;  // empty: clients cannot register
  Scopes scopes;                      // supported; none: not told
  std::vector<std::string> challenge_methods;
  std::vector<std::string> token_auth_methods;  // none: not told
  bool names_itself_in_answers = false;         // RFC 9207
  bool reads_client_metadata = false;           // client ids may be URLs of metadata documents
};

// Where a server's metadata may be, in the order they are tried. The challenge's place is the only
// one when it names one.
[[nodiscard]] std::vector<std::string> resource_metadata_urls(
    std::string_view server_url, std::string_view from_challenge
);
[[nodiscard]] std::vector<std::string> issuer_metadata_urls(std::string_view issuer);

// Errors: Invalid (unreadable, for another resource, or no authorization server in it).
[[nodiscard]] Result<ResourceMetadata> parse_resource_metadata(
    std::string_view body, std::string_view server_url
);
// Errors: Invalid (unreadable, of another issuer, or an endpoint is missing or no such URL).
[[nodiscard]] Result<IssuerMetadata> parse_issuer_metadata(
    std::string_view body, std::string_view issuer
);
// Errors: Denied (no PKCE with S256: a stolen code could be redeemed by whoever stole it).
[[nodiscard]] Result<void> check_pkce(const IssuerMetadata& metadata);

}  // namespace sluice::mcp_connector::oauth
