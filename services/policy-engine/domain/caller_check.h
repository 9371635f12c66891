// CallerCheck: who is behind a request. Every handler but authenticate asks it first.
#pragma once

#include "services/policy-engine/domain/policy_state.h"

#include "common/async/request_context.h"
#include "common/grant/grant.h"

namespace sluice::policy_engine {

// A verified caller and the policy that was in force when it was verified.
struct VerifiedCaller {
  PolicyState::Snapshot policy;
  policy::v1::CallerClaims claims;
  const CallerKey* key = nullptr;  // inside policy
};

class CallerCheck {
 public:
  // All outlive the check.
  CallerCheck(const grant::KeyRing* keys, PolicyState* state, async::Clock* clock)
      : keys_(keys), state_(state), clock_(clock) {}

  // The claims hold no role that the key has lost since. Waits for a policy that the token was made
  // under and that is not loaded yet, as PolicyState::caught_up.
  // Errors: Unauthenticated (no valid token; the key is gone, has expired or belongs to somebody
  // else now),
  // Unavailable (policy not loaded, or older than the one the token was made under).
  [[nodiscard]] Async<VerifiedCaller> verify(RequestContext context) const;
  // The same where a script's run asks: its run token is taken too, in requests of that run.
  [[nodiscard]] Async<VerifiedCaller> verify_run(RequestContext context) const;

 private:
  [[nodiscard]] Async<VerifiedCaller> caller_of(policy::v1::CallerClaims claims, TimePoint deadline)
      const;

  const grant::KeyRing* keys_;
  PolicyState* state_;
  async::Clock* clock_;
};

}  // namespace sluice::policy_engine
