#include "services/mcp-connector/config_oauth.h"

#include "services/mcp-connector/oauth/urls.h"

#include "common/http/message.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

using config::Section;

constexpr std::string_view kSecret = "client_secret";

std::string text_of(Section& section, std::string_view key, std::string description) {
  return section.text(key, {.fallback = "", .choices = {}, .description = std::move(description)});
}

std::string url_of(Section& section, std::string_view key, std::string description) {
  std::string url = text_of(section, key, std::move(description));
  if (!url.empty() && !oauth::parse_url(url)) {
    section.fault(key, "is no http:// or https:// URL; give one without user and fragment");
  }
  return url;
}

void check(Section& section, const OAuthConfig& config) {
  const auto& client = config.client;
  if (config.grant == Grant::ClientCredentials && (client.id.empty() || client.secret.empty())) {
    section.fault("grant", "client_credentials takes client_id and client_secret; set both");
  }
  const auto document = oauth::parse_url(client.metadata_url);
  if (document && (document->scheme != "https" || document->path.size() < 2)) {
    section.fault("client_metadata_url", "is no https:// URL with a path; give the document's URL");
  }
  if (config.token_url.empty() != config.authorize_url.empty() &&
      config.grant == Grant::AuthorizationCode) {
    section.fault("token_url", "goes together with authorize_url; set both or none");
  }
  if (!client.secret.empty() && config.issuer.empty() && config.token_url.empty()) {
    section.warn(
        "issuer",
        "is missing, so client_secret goes to whatever authorization server the MCP server names; "
        "give the issuer it was made by"
    );
  }
}

}  // namespace

OAuthConfig read_oauth(Section& entry, const ServerConfig& server) {
  auto section = entry.child("oauth_config");
  OAuthConfig config;
  config.client.id = text_of(
      section,
      "client_id",
      "for auth_type oauth: id of a client registered by hand; empty: client_metadata_url, or the "
      "gateway registers itself"
  );
  if (section.has(kSecret)) {
    config.client.secret = section.secret(
        kSecret,
        {.fallback = std::nullopt, .choices = {}, .description = "its secret; may be env.NAME"}
    );
  }
  config.client.metadata_url = url_of(
      section,
      "client_metadata_url",
      "own: where the gateway's client metadata document is published; its URL is the client id "
      "where the authorization server reads such documents"
  );
  config.scopes = section.list(
      "scopes",
      {.fallback = std::vector<std::string>(),
       .description = "asked for besides those the server names in its refusals; none of both: all "
                      "it supports"}
  );
  const std::string grant = section.text(
      "grant",
      {.fallback = "authorization_code",
       .choices = {"authorization_code", "client_credentials"},
       .description = "own: who authorizes the gateway: a person, or its own credentials"}
  );
  config.grant =
      grant == "client_credentials" ? Grant::ClientCredentials : Grant::AuthorizationCode;
  config.redirect_uri = url_of(
      section,
      "redirect_uri",
      "own: where browsers come back to; empty: /api/mcp/oauth/callback of the gateway"
  );
  config.issuer = text_of(
      section,
      "issuer",
      "own: the authorization server that may be used; empty: any the server names"
  );
  config.authorize_url =
      url_of(section, "authorize_url", "with token_url: endpoints of a server without metadata");
  config.token_url = url_of(section, "token_url", "see authorize_url");
  if (!server.uses_oauth()) {
    return config;
  }
  check(section, config);
  if (server.has_user_tokens() && config.grant != Grant::AuthorizationCode) {
    section.fault("grant", "is not authorization_code, which auth_type per_user_oauth takes");
  }
  http::Headers headers;
  for (const auto& [name, value] : server.headers) {
    headers.add(name, "");
  }
  if (headers.has("authorization")) {
    entry.fault("headers", "holds Authorization, which OAuth sets; leave it out");
  }
  return config;
}

json::Value shown_oauth(Section& entry) {
  json::Value shown = entry.raw("oauth_config", "");
  json::Object* object = shown.as_object();
  const json::Value* secret = object == nullptr ? nullptr : object->find(kSecret);
  if (secret != nullptr) {
    const std::string* text = secret->as_string();
    object->set(kSecret, text != nullptr && text->starts_with("env.") ? *text : std::string("***"));
  }
  return shown;
}

}  // namespace sluice::mcp_connector
