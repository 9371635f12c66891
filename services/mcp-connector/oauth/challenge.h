// What an HTTP server says when it refuses a request for want of a token: the Bearer challenge of
// WWW-Authenticate (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1).
#pragma once

#include "services/mcp-connector/oauth/scopes.h"

#include "common/http/message.h"

#include <optional>
#include <string>

namespace sluice::mcp_connector::oauth {

struct Challenge {
  std::string resource_metadata;  // URL of the server's metadata; empty: not told
  Scopes scopes;                  // that the request takes; none: not told
  std::string error;              // "invalid_token", "insufficient_scope", …; empty: not told

  friend bool operator==(const Challenge&, const Challenge&) = default;
};

// The first Bearer challenge; nullopt when there is none that can be read.
[[nodiscard]] std::optional<Challenge> bearer_challenge(const http::Headers& headers);

}  // namespace sluice::mcp_connector::oauth
