#include "services/mcp-connector/oauth/flow.h"

#include "services/mcp-connector/oauth/limits.h"
#include "services/mcp-connector/oauth/pkce.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"

#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

Result<std::shared_ptr<const Target>> authorizable(
    const ServerConfig& server, std::string token_owner
) {
  if (!server.uses_oauth() || server.oauth.grant != Grant::AuthorizationCode) {
    return Error(
        Code::Invalid,
        "no person can authorize the gateway at this server; that takes auth_type oauth or "
        "per_user_oauth with grant "
        "authorization_code"
    );
  }
  SLUICE_TRY(
      auto guard,
      http::AddressGuard::make(
          server.allowed_private_networks, "allowed_private_networks in the server's configuration"
      )
  );
  SLUICE_TRY(auto target, target_of(server, std::move(guard)));
  target.owner.principal = std::move(token_owner);
  return std::make_shared<const Target>(std::move(target));
}

// OAuth 2.1 section 2.3: codes travel over TLS, or within one machine.
Result<void> check_redirect(const std::string& redirect_uri) {
  const auto url = parse_url(redirect_uri);
  if (!url || (url->scheme != "https" && !is_loopback(*url))) {
    return Error(
        Code::Invalid,
        "the address that browsers come back to is neither https:// nor on this machine; set "
        "http.public_url, or oauth_config.redirect_uri of the server"
    );
  }
  return {};
}

Result<void> check_browser_goes_to(const IssuerMetadata& metadata, const Target& target) {
  const auto url = parse_url(metadata.authorization_endpoint);
  if (!url || (url->scheme != "https" && !target.url.starts_with("http://"))) {
    return Error(
        Code::Invalid,
        "the authorization server names no https:// page to authorize at; ask its operator"
    );
  }
  return check_pkce(metadata);
}

}  // namespace

Async<Client> AuthorizationFlow::client_for(
    std::shared_ptr<const Target> target, IssuerMetadata issuer, std::string redirect_uri
) {
  const ClientSettings& settings = target->settings.client;
  SLUICE_CO_TRY(const ClientSource source, choose_source(settings, issuer));
  if (source != ClientSource::Registration) {
    co_return client_of(source, settings, issuer);
  }
  SLUICE_CO_TRY(auto kept, co_await deps_.store->find_client(issuer.issuer, redirect_uri));
  if (kept) {
    co_return std::move(*kept);
  }
  SLUICE_CO_TRY(
      auto registered, co_await deps_.endpoints->register_client(target, issuer, redirect_uri)
  );
  SLUICE_CO_CHECK_OK(co_await deps_.store->put_client(issuer.issuer, redirect_uri, registered));
  deps_.log->info("oauth-client-registered", {{"server", target->name}, {"issuer", issuer.issuer}});
  co_return registered;
}

Async<std::string> AuthorizationFlow::begin(
    const ServerConfig* server, std::string redirect_uri, Beginner by
) {
  SLUICE_CO_TRY(const auto target, authorizable(*server, std::move(by.token_owner)));
  if (!target->settings.redirect_uri.empty()) {
    redirect_uri = target->settings.redirect_uri;
  }
  SLUICE_CO_CHECK_OK(check_redirect(redirect_uri));
  SLUICE_CO_TRY(auto kept, co_await deps_.store->find_demand(target->owner));
  const Demand demand = std::move(kept).value_or(Demand{});
  SLUICE_CO_TRY(auto found, co_await deps_.endpoints->discover(target, demand.challenge));
  SLUICE_CO_CHECK_OK(check_browser_goes_to(found.issuer, *target));
  SLUICE_CO_TRY(auto client, co_await client_for(target, found.issuer, redirect_uri));
  const bool same_issuer = demand.issuer == found.issuer.issuer;
  const Pending pending{
      .server_id = target->owner.server_id,
      .principal = target->owner.principal,
      .tenant = std::move(by.tenant),
      .began_by = std::move(by.principal),
      .redirect_uri = std::move(redirect_uri),
      .verifier = new_verifier(),
      .expects_issuer = found.issuer.names_itself_in_answers,
      .tokens =
          {.issuer = found.issuer.issuer,
           .resource = found.resource.resource,
           .token_endpoint = found.issuer.token_endpoint,
           .client = std::move(client),
           .access = {},
           .refresh = {},
           .scopes = scopes_to_ask(
               {.configured = target->settings.scopes,
                .challenged = demand.challenge.scopes,
                .asked_before = same_issuer ? demand.asked_before : Scopes(),
                .resource_supported = found.resource.scopes,
                .issuer_supported = found.issuer.scopes,
                .may_stay_offline = true}
           ),
           .expires_unix_ms = 0}
  };
  const std::string state = to_base64url(crypto::random_bytes(kStateBytes));
  SLUICE_CO_CHECK_OK(co_await deps_.store->begin(state, pending, kAuthorizationTtl));
  co_return authorization_url(pending, found.issuer, state);
}

Async<Pending> AuthorizationFlow::take(std::string state) {
  if (state.empty() || state.size() > kStateBytesMax) {
    co_return Error(Code::Denied, "this is no answer to an authorization; begin it anew");
  }
  SLUICE_CO_TRY(auto pending, co_await deps_.store->take(std::move(state)));
  if (!pending) {
    co_return Error(
        Code::Denied, "this authorization was finished already, or took too long; begin it anew"
    );
  }
  co_return std::move(*pending);
}

Async<void> AuthorizationFlow::finish(const ServerConfig* server, Pending pending, Answer answer) {
  SLUICE_CO_TRY(const auto target, authorizable(*server, pending.principal));
  SLUICE_CO_CHECK_OK(check_answer(answer, pending));
  if (!covers(pending.tokens.resource, target->url)) {
    co_return Error(Code::Denied, "the server has moved meanwhile; begin the authorization anew");
  }
  const std::string issuer = pending.tokens.issuer;
  const std::string client_id = pending.tokens.client.id;
  TokenRequest request = redeem_request(pending, answer.code);
  auto tokens =
      co_await deps_.endpoints->ask(target, std::move(request), std::move(pending.tokens));
  if (!tokens.ok()) {
    deps_.log->warn(
        "code-not-redeemed", {{"server", target->name}, {"error", tokens.error().to_log()}}
    );
    if (tokens.error().code() == Code::Conflict) {  // it has forgotten the registration
      SLUICE_CO_CHECK_OK(co_await deps_.store->drop_client(issuer, client_id));
    }
    const bool is_refusal = tokens.error().code() == Code::Unauthenticated;
    co_return is_refusal ? std::move(tokens).error().as(Code::Denied) : std::move(tokens).error();
  }
  co_return co_await deps_.store->put(target->owner, std::move(tokens).value());
}

}  // namespace sluice::mcp_connector::oauth
