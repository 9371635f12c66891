// ProtectedResource: where an MCP client gets a token for this gateway: metadata (RFC 9728) and
// challenges (RFC 6750) that lead to it. Immutable; without issuers, or a URL of its own, the
// gateway takes virtual keys and says no more.
#pragma once

#include "common/base/error.h"
#include "common/http/message.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

struct ProtectedResource {
  std::string public_url;                          // without '/' at its end
  std::vector<std::string> authorization_servers;  // issuers
  std::vector<std::string> scopes;                 // all that give a role
  std::string needed_scope;                        // the least that makes a caller

  [[nodiscard]] bool is_configured() const {
    return !public_url.empty() && !authorization_servers.empty();
  }

  // What tokens are for, at every path below it too.
  [[nodiscard]] std::string uri() const { return public_url + "/mcp"; }

  // name: for people; "": none.
  [[nodiscard]] std::string metadata(std::string_view name) const;
};

// Where the metadata of a path are: "/mcp" -> "/.well-known/oauth-protected-resource/mcp".
[[nodiscard]] std::string metadata_path(std::string_view path);

// What a client is told with 401 or 403, of the request that was refused.
class Challenge {
 public:
  // resource: outlives it; may be null.
  Challenge(const ProtectedResource* resource, const http::HttpRequest& request);

  // WWW-Authenticate for a refused caller: Unauthenticated, or Denied for want of scopes. "" for
  // other errors.
  [[nodiscard]] std::string header_for(const Error& error) const;

 private:
  const ProtectedResource* resource_;
  std::string path_;
  bool has_token_;
};

}  // namespace sluice::ingress
