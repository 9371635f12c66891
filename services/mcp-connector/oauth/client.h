// As which client the gateway appears at an authorization server, and how it says so at the token
// endpoint (RFC 6749 section 2.3, RFC 7591, Client ID Metadata Documents).
#pragma once

#include "services/mcp-connector/oauth/metadata.h"

#include "common/base/secret.h"

#include <string>
#include <string_view>

namespace sluice::mcp_connector::oauth {

enum class ClientAuth { None, Basic, Post };

// The names of token_endpoint_auth_method.
[[nodiscard]] std::string_view name_of(ClientAuth auth);
// None for what is not known.
[[nodiscard]] ClientAuth client_auth_named(std::string_view name);

struct Client {
  std::string id;
  Secret<std::string> secret;  // empty: a public client
  ClientAuth auth = ClientAuth::None;
};

// What the operator has set.
struct ClientSettings {
  std::string id;  // empty: none was registered by hand
  Secret<std::string> secret;
  std::string metadata_url;  // of the gateway's own metadata document; empty: there is none
};

enum class ClientSource {
  Settings,          // registered by hand
  MetadataDocument,  // its URL is the id
  Registration,      // dynamic, now or earlier
};

// Errors: Denied (no way there; the message says what to set).
[[nodiscard]] Result<ClientSource> choose_source(
    const ClientSettings& settings, const IssuerMetadata& metadata
);

// How a client with or without a secret authenticates there. Errors: Denied (only in ways that are
// not spoken here).
[[nodiscard]] Result<ClientAuth> choose_auth(bool has_secret, const IssuerMetadata& metadata);

// The client of the settings, or of the metadata document. Errors: as of choose_auth().
[[nodiscard]] Result<Client> client_of(
    ClientSource source, const ClientSettings& settings, const IssuerMetadata& metadata
);

// Body of a registration request.
[[nodiscard]] std::string registration_body(
    const std::string& redirect_uri, const IssuerMetadata& metadata
);
// Errors: Invalid (no registration), Denied (as of choose_auth()).
[[nodiscard]] Result<Client> parse_registration(
    std::string_view body, const IssuerMetadata& metadata
);

}  // namespace sluice::mcp_connector::oauth
