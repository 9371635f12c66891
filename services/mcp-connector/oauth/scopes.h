// Scopes of access tokens (RFC 6749 section 3.3) and which of them the gateway asks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector::oauth {

// In the order they were named, each once.
using Scopes = std::vector<std::string>;

// Words that are no scope are left out, and those above kScopesMax.
[[nodiscard]] Scopes parse_scopes(std::string_view text);
[[nodiscard]] std::string joined(const Scopes& scopes);
[[nodiscard]] bool contains(const Scopes& all, std::string_view scope);
[[nodiscard]] bool contains_all(const Scopes& all, const Scopes& some);
[[nodiscard]] Scopes united(Scopes first, const Scopes& second);

struct ScopeSources {
  Scopes configured;              // by the operator
  Scopes challenged;              // in the server's refusal
  Scopes asked_before;            // of the token that was refused for want of more; else none
  Scopes resource_supported;      // by the server's metadata
  Scopes issuer_supported;        // by the authorization server's metadata
  bool may_stay_offline = false;  // the grant gives refresh tokens
};

// None: the parameter is left out, and the authorization server decides.
[[nodiscard]] Scopes scopes_to_ask(const ScopeSources& sources);

}  // namespace sluice::mcp_connector::oauth
