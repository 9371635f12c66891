// Target: what OAuth must know of one server; a copy, so that it may outlive the server's entry.
#pragma once

#include "services/mcp-connector/config.h"
#include "services/mcp-connector/oauth/store.h"
#include "services/mcp-connector/oauth/urls.h"

#include "common/http/address_guard.h"

#include <memory>
#include <string>

namespace sluice::mcp_connector::oauth {

struct Target {
  TokenOwner owner;
  std::string name;
  std::string url;       // of the server; may hold a credential in its query, so it goes to nobody
  std::string resource;  // its identifier where it publishes none: the URL without a query
  OAuthConfig settings;
  std::shared_ptr<const http::AddressGuard> guard;

  [[nodiscard]] bool needs_person() const { return settings.grant == Grant::AuthorizationCode; }
};

// Errors: Invalid (no such URL).
[[nodiscard]] inline Result<Target> target_of(
    const ServerConfig& server, std::shared_ptr<const http::AddressGuard> guard
) {
  const auto url = parse_url(server.address.reveal());
  if (!url) {
    return Error(
        Code::Invalid,
        "connection_string is no URL that a token could be asked for; give one without user "
        "information and fragment"
    );
  }
  return Target{
      .owner = {.server_id = server.id.str(), .principal = server.token_owner},
      .name = server.name,
      .url = server.address.reveal(),
      .resource = url->origin() + url->path,
      .settings = server.oauth,
      .guard = std::move(guard)
  };
}

}  // namespace sluice::mcp_connector::oauth
