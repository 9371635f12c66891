#include "services/ingress/domain/authn.h"

#include "services/ingress/limits.h"

#include "common/crypto/sha256.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::string_view kBearer = "bearer ";

Error no_credential(std::string what) {
  return Error(
      Code::Unauthenticated, std::move(what) + "; send your key as \"Authorization: Bearer <key>\""
  );
}

bool starts_with_bearer(std::string_view value) {
  return value.size() > kBearer.size() &&
         std::equal(kBearer.begin(), kBearer.end(), value.begin(), [](char wanted, char given) {
           return wanted == (given >= 'A' && given <= 'Z' ? given - 'A' + 'a' : given);
         });
}

Error refused() {
  return Error(
      Code::Unauthenticated,
      "the key or token is not known or no longer valid; get another and send it"
  );
}

// Everything a decision about visibility may depend on.
std::string identity_of(const policy::v1::CallerClaims& claims) {
  policy::v1::CallerClaims lasting = claims;
  lasting.clear_policy_version();
  lasting.clear_not_before_unix_ms();
  lasting.clear_not_after_unix_ms();
  return lasting.SerializeAsString();
}

}  // namespace

bool Caller::has_role(std::string_view role) const {
  return std::find(claims.roles().begin(), claims.roles().end(), role) != claims.roles().end();
}

Result<std::string> credential_of(const http::Headers& headers) {
  const std::size_t authorizations = headers.count("authorization");
  const std::size_t api_keys = headers.count("x-api-key");
  if (authorizations + api_keys == 0) {
    return no_credential("the request carries no key");
  }
  if (authorizations > 1 || api_keys > 1) {
    return no_credential("the request carries more than one key");
  }
  std::string_view credential = headers.get("x-api-key");
  if (authorizations == 1) {
    const std::string_view value = headers.get("authorization");
    if (!starts_with_bearer(value)) {
      return no_credential("the authorization header is not of the form \"Bearer <key>\"");
    }
    const std::string_view bearer = value.substr(kBearer.size());
    if (api_keys == 1 && bearer != credential) {
      return no_credential("authorization and x-api-key carry different keys");
    }
    credential = bearer;
  }
  if (authorizations == 0 && credential.starts_with("eyJ")) {  // MCP, "Authorization"
    return no_credential("an access token goes into the authorization header");
  }
  if (credential.empty() || credential.size() > kCredentialBytesMax) {
    return no_credential("the key is empty or too long");
  }
  return std::string(credential);
}

Authenticator::Authenticator(Deps deps)
    : deps_(deps),
      callers_(kCallersMax),
      refused_(kRefusedCallersMax),
      flights_(deps.tasks, kFlightsMax) {}

CallerPtr Authenticator::cached(const std::string& credential, const RequestContext& context) {
  if (!deps_.versions->fresh(deps_.clock->now())) {
    return nullptr;
  }
  const std::string digest = crypto::sha256(credential);
  const CallerPtr* known = callers_.find(digest);
  if (known == nullptr || (*known)->claims.policy_version() < deps_.versions->policy_version()) {
    return nullptr;
  }
  CallerPtr caller = *known;
  const std::int64_t remaining_ms = caller->claims.not_after_unix_ms() - deps_.clock->unix_ms();
  if (remaining_ms < kTokenUnusableBelowMs) {
    return nullptr;
  }
  if (remaining_ms < kTokenRenewBelowMs) {
    // One renewal at a time; when it cannot start now, a later request tries again.
    flights_.start(digest, work(digest, credential, std::string(), context));
  }
  return caller;
}

Async<CallerPtr> Authenticator::authenticate(
    std::string credential, std::string source_address, RequestContext context
) {
  if (CallerPtr caller = cached(credential, context); caller != nullptr) {
    co_return caller;
  }
  std::string digest = crypto::sha256(credential);
  if (const TimePoint* until = refused_.find(digest);
      until != nullptr && deps_.clock->now() < *until) {
    co_return refused();
  }
  auto fetching = work(digest, credential, source_address, std::move(context));
  co_return co_await flights_.join(std::move(digest), std::move(fetching));
}

Async<CallerPtr> Authenticator::authenticate_for(
    std::chrono::milliseconds lasting,
    std::string credential,
    std::string source_address,
    RequestContext context
) {
  const CallerPtr known = cached(credential, context);
  if (known != nullptr &&
      known->claims.not_after_unix_ms() - deps_.clock->unix_ms() < lasting.count()) {
    std::string digest = crypto::sha256(credential);
    auto fetching = work(digest, credential, source_address, std::move(context));
    co_return co_await flights_.join(std::move(digest), std::move(fetching));
  }
  co_return co_await authenticate(
      std::move(credential), std::move(source_address), std::move(context)
  );
}

SingleFlight<CallerPtr>::Work Authenticator::work(
    const std::string& digest,
    const std::string& credential,
    const std::string& source_address,
    RequestContext context
) {
  context.deadline = deps_.clock->now() +
                     kAuthenticateTimeout;  // it may serve other requests than the one that asked
  return [this, digest, credential, source_address, context = std::move(context)] {
    return fetch(digest, credential, source_address, context);
  };
}

Async<CallerPtr> Authenticator::fetch(
    std::string digest, std::string credential, std::string source_address, RequestContext context
) {
  policy::v1::AuthenticateRequest request;
  request.set_credential(std::move(credential));
  request.set_source_address(std::move(source_address));
  auto reply = co_await deps_.policy->authenticate(std::move(request), std::move(context));
  if (!reply.ok()) {
    if (reply.error().code() == Code::Unauthenticated) {
      callers_.erase(digest);
      refused_.put(std::move(digest), deps_.clock->now() + kRefusalKeptFor);
      co_return refused().with_detail(reply.error().message());
    }
    co_return std::move(reply).error().while_doing("authenticating");
  }
  auto caller = std::make_shared<Caller>();
  caller->token = std::move(*reply.value().mutable_caller_token());
  caller->claims = std::move(*reply.value().mutable_claims());
  caller->identity = identity_of(caller->claims);
  refused_.erase(digest);
  CallerPtr shared = std::move(caller);
  callers_.put(std::move(digest), shared);
  co_return shared;
}

}  // namespace sluice::ingress
