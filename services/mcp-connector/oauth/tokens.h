// Authorization and token requests (RFC 6749, RFC 8707, RFC 9207) and what comes of them.
#pragma once

#include "services/mcp-connector/oauth/client.h"
#include "services/mcp-connector/oauth/urls.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp_connector::oauth {

// Access to one server, with all it takes to renew it.
struct Tokens {
  std::string issuer;
  std::string resource;
  std::string token_endpoint;
  Client client;
  Secret<std::string> access;
  Secret<std::string> refresh;       // empty: it cannot be renewed without a person
  Scopes scopes;                     // that were asked for
  std::int64_t expires_unix_ms = 0;  // 0: not told
};

// An authorization that a person was sent to give.
struct Pending {
  std::string server_id;
  std::string principal;  // whose tokens they will be; empty: everybody's
  std::string tenant;     // of whoever began it
  std::string began_by;   // its principal
  std::string redirect_uri;
  std::string verifier;         // of PKCE
  bool expects_issuer = false;  // the answer must name the issuer
  Tokens tokens;                // without access and refresh
};

// Where the person's browser goes.
[[nodiscard]] std::string authorization_url(
    const Pending& pending, const IssuerMetadata& metadata, const std::string& state
);

// What came back with the browser.
struct Answer {
  std::string code;
  std::string issuer;
  std::string error;
};

// Before anything is done with the code. Errors: Denied (from another issuer, or refused).
[[nodiscard]] Result<void> check_answer(const Answer& answer, const Pending& pending);

struct TokenRequest {
  std::string body;
  std::string authorization;  // header; empty: none
};

[[nodiscard]] TokenRequest redeem_request(const Pending& pending, const std::string& code);
// tokens.refresh is there.
[[nodiscard]] TokenRequest refresh_request(const Tokens& tokens);
[[nodiscard]] TokenRequest client_credentials_request(const Tokens& tokens);

// The tokens with what the endpoint answered in them. now_unix_ms: when it was asked.
// Errors: Unauthenticated (invalid_grant: only a person can help), Conflict (invalid_client: this
// client is not known there any more), Denied, Unavailable (5xx and 429), Invalid (no answer to a
// token request).
[[nodiscard]] Result<Tokens> parse_token_response(
    int status, std::string_view body, Tokens tokens, std::int64_t now_unix_ms
);

// For keeping; to be sealed.
[[nodiscard]] std::string write_tokens(const Tokens& tokens);
[[nodiscard]] std::optional<Tokens> read_tokens(std::string_view text);
[[nodiscard]] std::string write_pending(const Pending& pending);
[[nodiscard]] std::optional<Pending> read_pending(std::string_view text);
[[nodiscard]] std::string write_client(const Client& client);
[[nodiscard]] std::optional<Client> read_client(std::string_view text);

}  // namespace sluice::mcp_connector::oauth
