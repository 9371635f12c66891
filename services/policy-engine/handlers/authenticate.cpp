#include "services/policy-engine/handlers/authenticate.h"

#include "services/policy-engine/limits.h"

#include "common/grant/grant.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

policy::v1::CallerClaims claims_of(
    const CallerKey& key, std::uint64_t policy_version, std::int64_t now_unix_ms
) {
  policy::v1::CallerClaims claims = key.claims();
  claims.set_policy_version(policy_version);
  claims.set_not_before_unix_ms(now_unix_ms);
  claims.set_not_after_unix_ms(now_unix_ms + grant::kTokenLifeMs);
  if (key.expires_unix_ms != 0) {
    claims.set_not_after_unix_ms(std::min(claims.not_after_unix_ms(), key.expires_unix_ms));
  }
  return claims;
}

observability::Counter* counter(observability::Metrics* metrics, const char* result) {
  return &metrics->counter(
      "sluice_policy_authentications_total",
      "Credentials looked at, by result.",
      {{"result", result}}
  );
}

}  // namespace

AuthenticateHandler::AuthenticateHandler(Deps deps)
    : deps_(deps),
      accepted_(counter(deps.metrics, "accepted")),
      refused_(counter(deps.metrics, "refused")) {}

Async<policy::v1::AuthenticateReply> AuthenticateHandler::operator()(
    policy::v1::AuthenticateRequest request, RequestContext context
) {
  if (request.credential().size() > kCredentialBytesMax) {
    co_return Error(
        Code::Invalid,
        "the credential is longer than " + std::to_string(kCredentialBytesMax) +
            " bytes: send a virtual key or a shorter token"
    );
  }
  SLUICE_CO_TRY(
      const PolicyState::Snapshot loaded,
      co_await deps_.policy->caught_up(deps_.clock, context.deadline)
  );
  const CallerKey* const key = loaded->policy.key_of(request.credential());
  policy::v1::AuthenticateReply reply;
  if (key != nullptr && key->is_expired(deps_.clock->unix_ms())) {
    refused_->add();
    co_return Error(Code::Unauthenticated, "the key has expired: ask the operator for another one");
  }
  if (key != nullptr) {
    *reply.mutable_claims() = claims_of(*key, loaded->version, deps_.clock->unix_ms());
  } else if (looks_like_jwt(request.credential()) && !loaded->policy.jwt_issuers.empty()) {
    auto claims = co_await claims_of_token(loaded, request.credential(), std::move(context));
    if (!claims.ok()) {
      refused_->add();
      co_return std::move(claims).error();
    }
    *reply.mutable_claims() = std::move(claims).value();
  } else {
    refused_->add();
    co_return Error(
        Code::Unauthenticated, "no such key: send a valid key as \"Authorization: Bearer <key>\""
    );
  }
  accepted_->add();
  reply.set_caller_token(grant::sign_token(*deps_.token_key, reply.claims()));
  co_return reply;
}

Async<policy::v1::CallerClaims> AuthenticateHandler::claims_of_token(
    PolicyState::Snapshot loaded, std::string credential, RequestContext context
) {
  SLUICE_CO_TRY(
      const VerifiedJwt verified,
      co_await deps_.jwt->verify(&loaded->policy, std::move(credential), std::move(context))
  );
  auto claims = claims_of(verified.issuer->caller, loaded->version, deps_.clock->unix_ms());
  claims.set_principal(verified.principal);
  claims.mutable_roles()->Assign(verified.roles.begin(), verified.roles.end());
  claims.set_not_after_unix_ms(std::min(claims.not_after_unix_ms(), verified.ends_unix_ms));
  co_return claims;
}

}  // namespace sluice::policy_engine
