// Turns a caller's credential into a caller token that is valid for 60 s.
//
// Errors: Unauthenticated (no such key), Invalid (credential too long), Unavailable (policy not
// loaded).
#pragma once

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
    async::Clock* clock;
    observability::Metrics* metrics;
  };

  explicit AuthenticateHandler(Deps deps);

  Async<policy::v1::AuthenticateReply> operator()(
      policy::v1::AuthenticateRequest request, RequestContext context
  );

 private:
  Deps deps_;
  observability::Counter* accepted_;
  observability::Counter* refused_;
};

}  // namespace sluice::policy_engine
