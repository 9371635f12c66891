#include "services/mcp-connector/oauth/endpoints.h"

#include "services/mcp-connector/oauth/limits.h"

#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

constexpr int kOk = 200;
constexpr int kServerErrors = 500;
constexpr int kTooManyRequests = 429;

}  // namespace

http::ClientRequest Endpoints::request(const Target& target, std::string method, std::string url)
    const {
  http::ClientRequest request{
      .method = std::move(method),
      .url = std::move(url),
      .headers = {},
      .body = {},
      .deadline = deps_.clock->now() + kRequestTimeout,
      .guard = target.guard
  };
  request.headers.set("accept", "application/json");
  return request;
}

// nullopt: there is none at that place.
Async<std::optional<std::string>> Endpoints::document_at(
    std::shared_ptr<const Target> target, std::string url
) {
  auto get = request(*target, "GET", std::move(url));
  get.idempotent = true;
  SLUICE_CO_TRY(auto response, co_await deps_.client->fetch(std::move(get)));
  if (response.status >= kServerErrors || response.status == kTooManyRequests) {
    co_return Error(
        Code::Unavailable,
        "metadata for the authorization could not be read (HTTP status " +
            std::to_string(response.status) + "); it is tried again later"
    );
  }
  if (response.status != kOk) {
    co_return std::optional<std::string>();
  }
  co_return std::optional(std::move(response.body));
}

Async<ResourceMetadata> Endpoints::find_resource(
    std::shared_ptr<const Target> target, Challenge challenge
) {
  for (std::string& url : resource_metadata_urls(target->url, challenge.resource_metadata)) {
    SLUICE_CO_TRY(const auto body, co_await document_at(target, std::move(url)));
    if (body) {
      co_return parse_resource_metadata(*body, target->url);
    }
  }
  if (!challenge.resource_metadata.empty()) {
    co_return Error(
        Code::NotFound,
        "the MCP server has no metadata where it says it has; ask the server's operator"
    );
  }
  // MCP 2025-03-26: the server's origin is the authorization server.
  const auto url = parse_url(target->url);
  SLUICE_CHECK(url.has_value(), "a target has a URL");
  co_return ResourceMetadata{.resource = target->resource, .issuer = url->origin(), .scopes = {}};
}

Async<IssuerMetadata> Endpoints::find_issuer(
    std::shared_ptr<const Target> target, std::string issuer
) {
  for (std::string& url : issuer_metadata_urls(issuer)) {
    SLUICE_CO_TRY(const auto body, co_await document_at(target, std::move(url)));
    if (body) {
      co_return parse_issuer_metadata(*body, issuer);
    }
  }
  co_return Error(
      Code::NotFound,
      "the MCP server asks for a token, but its authorization server has no metadata; use "
      "auth_type "
      "headers, or ask the server's operator"
  );
}

Async<Discovered> Endpoints::discover(std::shared_ptr<const Target> target, Challenge challenge) {
  Discovered found;
  SLUICE_CO_TRY(found.resource, co_await find_resource(target, std::move(challenge)));
  const OAuthConfig& settings = target->settings;
  if (!settings.token_url.empty()) {
    found.issuer = IssuerMetadata{
        .issuer = settings.issuer.empty() ? found.resource.issuer : settings.issuer,
        .authorization_endpoint = settings.authorize_url,
        .token_endpoint = settings.token_url,
        .registration_endpoint = {},
        .scopes = {},
        .challenge_methods = {"S256"},
        .token_auth_methods = {},
        .names_itself_in_answers = false,
        .reads_client_metadata = false
    };
    co_return found;
  }
  if (!settings.issuer.empty() && settings.issuer != found.resource.issuer) {
    co_return Error(
        Code::Denied,
        "the MCP server names another authorization server than oauth_config.issuer, so nothing is "
        "sent there; correct the setting, or ask the server's operator"
    );
  }
  SLUICE_CO_TRY(found.issuer, co_await find_issuer(target, found.resource.issuer));
  co_return found;
}

Async<Client> Endpoints::register_client(
    std::shared_ptr<const Target> target, IssuerMetadata issuer, std::string redirect_uri
) {
  auto post = request(*target, "POST", issuer.registration_endpoint);
  post.headers.set("content-type", "application/json");
  post.body = registration_body(redirect_uri, issuer);
  SLUICE_CO_TRY(const auto response, co_await deps_.client->fetch(std::move(post)));
  if (response.status < 200 || response.status >= 300) {
    co_return Error(
        response.status >= kServerErrors ? Code::Unavailable : Code::Denied,
        "the authorization server refuses to register the gateway (HTTP status " +
            std::to_string(response.status) +
            "); register it there by hand and set oauth_config.client_id"
    );
  }
  co_return parse_registration(response.body, issuer);
}

Async<Tokens> Endpoints::ask(
    std::shared_ptr<const Target> target, TokenRequest token_request, Tokens tokens
) {
  auto post = request(*target, "POST", tokens.token_endpoint);
  post.headers.set("content-type", "application/x-www-form-urlencoded");
  if (!token_request.authorization.empty()) {
    post.headers.set("authorization", token_request.authorization);
  }
  post.body = std::move(token_request.body);
  const std::int64_t asked = deps_.clock->unix_ms();
  SLUICE_CO_TRY(const auto response, co_await deps_.client->fetch(std::move(post)));
  co_return parse_token_response(response.status, response.body, std::move(tokens), asked);
}

}  // namespace sluice::mcp_connector::oauth
