// Turns a caller's credential, a virtual key or an access token of a configured issuer, into a
// caller token that is valid for 60 s, and no longer than the access token.
//
// Errors: Unauthenticated (no such key, no valid token), Denied (a token without a scope that gives
// a role), Invalid (credential too long), Unavailable (policy not loaded, or the issuer's keys not
// known).
#pragma once

#include "services/policy-engine/domain/jwt_verifier.h"
#include "services/policy-engine/domain/policy_state.h"

#include "common/async/request_context.h"
#include "common/crypto/ed25519.h"
#include "common/observability/metrics.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class AuthenticateHandler {
 public:
  struct Deps {
    const PolicyState* policy;  // all outlive the handler
    const crypto::PrivateKey* token_key;
    JwtVerifier* jwt;
    async::Clock* clock;
    observability::Metrics* metrics;
  };

  explicit AuthenticateHandler(Deps deps);

  Async<policy::v1::AuthenticateReply> operator()(
      policy::v1::AuthenticateRequest request, RequestContext context
  );

 private:
  Async<policy::v1::CallerClaims> claims_of_token(
      PolicyState::Snapshot loaded, std::string credential, RequestContext context
  );

  Deps deps_;
  observability::Counter* accepted_;
  observability::Counter* refused_;
};

}  // namespace sluice::policy_engine
