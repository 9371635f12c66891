#include "services/mcp-connector/oauth/client.h"

#include "services/mcp-connector/oauth/limits.h"
#include "services/mcp-connector/oauth/urls.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

std::string_view name_of(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::None:
      return "none";
    case ClientAuth::Basic:
      return "client_secret_basic";
    case ClientAuth::Post:
      return "client_secret_post";
  }
  SLUICE_UNREACHABLE("every way to authenticate is listed");
}

ClientAuth client_auth_named(std::string_view name) {
  for (const ClientAuth auth : {ClientAuth::Basic, ClientAuth::Post}) {
    if (name == name_of(auth)) {
      return auth;
    }
  }
  return ClientAuth::None;
}

Result<ClientSource> choose_source(const ClientSettings& settings, const IssuerMetadata& metadata) {
  if (!settings.id.empty()) {
    return ClientSource::Settings;
  }
  if (metadata.reads_client_metadata && !settings.metadata_url.empty()) {
    return ClientSource::MetadataDocument;
  }
  if (!metadata.registration_endpoint.empty()) {
    return ClientSource::Registration;
  }
  return Error(
      Code::Denied,
      "the authorization server registers no clients by itself; register the gateway there and set "
      "oauth_config.client_id (and client_secret)"
  );
}

Result<ClientAuth> choose_auth(bool has_secret, const IssuerMetadata& metadata) {
  const auto& methods = metadata.token_auth_methods;
  if (!has_secret) {
    return ClientAuth::None;
  }
  if (methods.empty()) {  // RFC 8414 section 2: what it means to say nothing
    return ClientAuth::Basic;
  }
  for (const ClientAuth auth : {ClientAuth::Basic, ClientAuth::Post, ClientAuth::None}) {
    if (has(methods, name_of(auth))) {
      return auth;
    }
  }
  return Error(
      Code::Denied,
      "the authorization server takes neither client_secret_basic nor client_secret_post; let it "
      "accept one of them for this client"
  );
}

Result<Client> client_of(
    ClientSource source, const ClientSettings& settings, const IssuerMetadata& metadata
) {
  if (source == ClientSource::MetadataDocument) {
    return Client{.id = settings.metadata_url, .secret = {}, .auth = ClientAuth::None};
  }
  SLUICE_TRY(const ClientAuth auth, choose_auth(!settings.secret.empty(), metadata));
  return Client{.id = settings.id, .secret = settings.secret, .auth = auth};
}

std::string registration_body(const std::string& redirect_uri, const IssuerMetadata& metadata) {
  const auto& methods = metadata.token_auth_methods;
  const bool is_public = has(methods, name_of(ClientAuth::None));
  const ClientAuth auth = is_public ? ClientAuth::None
                          : methods.empty() || has(methods, name_of(ClientAuth::Basic))
                              ? ClientAuth::Basic
                              : ClientAuth::Post;
  // OpenID Connect Registration 1.0 section 2: native clients come back to this machine.
  const auto redirect = parse_url(redirect_uri);
  const bool is_native = redirect && is_loopback(*redirect);
  return json::write(json::object(
      {{"client_name", "Sluice MCP gateway"},
       {"redirect_uris", json::Array{redirect_uri}},
       {"grant_types", json::Array{"authorization_code", "refresh_token"}},
       {"response_types", json::Array{"code"}},
       {"token_endpoint_auth_method", std::string(name_of(auth))},
       {"application_type", is_native ? "native" : "web"}}
  ));
}

Result<Client> parse_registration(std::string_view body, const IssuerMetadata& metadata) {
  const auto document = json::parse(body, {.depth_max = 64, .bytes_max = kBodyBytesMax});
  Client client;
  if (document.ok()) {
    client.id = document.value().text_or("client_id", "");
    client.secret = Secret<std::string>(document.value().text_or("client_secret", ""));
  }
  if (client.id.empty()) {
    return Error(
        Code::Invalid,
        "the authorization server's answer to the registration names no client_id; register the "
        "gateway there by hand and set oauth_config.client_id"
    );
  }
  const std::string named = document.value().text_or("token_endpoint_auth_method", "");
  if (named == name_of(client_auth_named(named)) &&
      (!client.secret.empty() || client_auth_named(named) == ClientAuth::None)) {
    client.auth = client_auth_named(named);
    return client;
  }
  SLUICE_TRY(client.auth, choose_auth(!client.secret.empty(), metadata));
  return client;
}

}  // namespace sluice::mcp_connector::oauth
