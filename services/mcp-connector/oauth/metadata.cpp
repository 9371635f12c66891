#include "services/mcp-connector/oauth/metadata.h"

#include "services/mcp-connector/oauth/limits.h"
#include "services/mcp-connector/oauth/urls.h"

#include "common/json/parse.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

constexpr std::string_view kResourcePlace = "/.well-known/oauth-protected-resource";
constexpr std::string_view kIssuerPlace = "/.well-known/oauth-authorization-server";
constexpr std::string_view kOpenIdPlace = "/.well-known/openid-configuration";

std::vector<std::string> texts(const json::Value& document, std::string_view key) {
  std::vector<std::string> out;
  const json::Value* list = document.find(key);
  if (list != nullptr && list->is_array()) {
    for (const json::Value& item : *list->as_array()) {
      const std::string* text = item.as_string();
      if (text != nullptr && out.size() < kMetadataItemsMax) {
        out.push_back(*text);
      }
    }
  }
  return out;
}

Scopes scopes_of(const json::Value& document) {
  Scopes out;
  for (const std::string& item : texts(document, "scopes_supported")) {
    out = united(std::move(out), parse_scopes(item));
  }
  return out;
}

bool flag_of(const json::Value& document, std::string_view key) {
  const json::Value* flag = document.find(key);
  return flag != nullptr && flag->as_bool().value_or(false);
}

Result<json::Value> document_of(std::string_view body, std::string_view whose) {
  auto document = json::parse(body, {.depth_max = 64, .bytes_max = kBodyBytesMax});
  if (!document.ok() || !document.value().is_object()) {
    return Error(
        Code::Invalid,
        "the metadata of the " + std::string(whose) + " is no JSON object; ask its operator"
    );
  }
  return document;
}

// A trailing slash is no path to be inserted.
std::string_view inserted(std::string_view path) {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

void add_once(std::string url, std::vector<std::string>* urls) {
  if (std::find(urls->begin(), urls->end(), url) == urls->end()) {
    urls->push_back(std::move(url));
  }
}

}  // namespace

std::vector<std::string> resource_metadata_urls(
    std::string_view server_url, std::string_view from_challenge
) {
  if (!from_challenge.empty()) {
    return parse_url(from_challenge) ? std::vector{std::string(from_challenge)}
                                     : std::vector<std::string>();
  }
  std::vector<std::string> urls;
  if (const auto url = parse_url(server_url)) {
    const std::string place = url->origin() + std::string(kResourcePlace);
    add_once(place + std::string(inserted(url->path)), &urls);
    add_once(place, &urls);
  }
  return urls;
}

std::vector<std::string> issuer_metadata_urls(std::string_view issuer) {
  std::vector<std::string> urls;
  if (const auto url = parse_url(issuer); url && url->query.empty()) {
    const std::string path(inserted(url->path));
    add_once(url->origin() + std::string(kIssuerPlace) + path, &urls);
    add_once(url->origin() + std::string(kOpenIdPlace) + path, &urls);
    add_once(url->origin() + path + std::string(kOpenIdPlace), &urls);
  }
  return urls;
}

Result<ResourceMetadata> parse_resource_metadata(
    std::string_view body, std::string_view server_url
) {
  SLUICE_TRY(const json::Value document, document_of(body, "MCP server"));
  ResourceMetadata out;
  out.resource = document.text_or("resource", "");
  if (!covers(out.resource, server_url)) {
    return Error(
        Code::Invalid,
        "the MCP server's metadata is for another resource than this server, so no token is asked "
        "for; check connection_string, or ask the server's operator"
    );
  }
  const auto issuers = texts(document, "authorization_servers");
  if (issuers.empty() || !parse_url(issuers.front())) {
    return Error(
        Code::Invalid,
        "the MCP server's metadata names no authorization server; ask the server's operator"
    );
  }
  out.issuer = issuers.front();
  out.scopes = scopes_of(document);
  return out;
}

Result<IssuerMetadata> parse_issuer_metadata(std::string_view body, std::string_view issuer) {
  SLUICE_TRY(const json::Value document, document_of(body, "authorization server"));
  IssuerMetadata out;
  out.issuer = document.text_or("issuer", "");
  if (out.issuer != issuer) {
    return Error(
        Code::Invalid,
        "the authorization server's metadata names another issuer than the MCP server does, so it "
        "is not used; ask the server's operator"
    );
  }
  out.authorization_endpoint = document.text_or("authorization_endpoint", "");
  out.token_endpoint = document.text_or("token_endpoint", "");
  out.registration_endpoint = document.text_or("registration_endpoint", "");
  const auto is_url_or_missing = [](const std::string& url) {
    return url.empty() || parse_url(url).has_value();
  };
  if (!parse_url(out.token_endpoint) || !is_url_or_missing(out.authorization_endpoint) ||
      !is_url_or_missing(out.registration_endpoint)) {
    return Error(
        Code::Invalid,
        "the authorization server's metadata lacks an endpoint, or names one that is no http:// or "
        "https:// URL; ask its operator"
    );
  }
  out.scopes = scopes_of(document);
  out.challenge_methods = texts(document, "code_challenge_methods_supported");
  out.token_auth_methods = texts(document, "token_endpoint_auth_methods_supported");
  out.names_itself_in_answers = flag_of(document, "authorization_response_iss_parameter_supported");
  out.reads_client_metadata = flag_of(document, "client_id_metadata_document_supported");
  return out;
}

Result<void> check_pkce(const IssuerMetadata& metadata) {
  const auto& methods = metadata.challenge_methods;
  if (std::find(methods.begin(), methods.end(), "S256") == methods.end()) {
    return Error(
        Code::Denied,
        "the authorization server does not say that it supports PKCE with S256, so nobody is sent "
        "there; ask its operator to enable it"
    );
  }
  return {};
}

}  // namespace sluice::mcp_connector::oauth
