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
  // Both outlive the check.
  CallerCheck(const grant::KeyRing* keys, PolicyState* state) : keys_(keys), state_(state) {}

  // The claims hold no role that the key has lost since.
  // Errors: Unauthenticated (no valid token; the key is gone, has expired or belongs to somebody
  // else now),
  // Unavailable (policy not loaded, or older than the one the token was made under).
  [[nodiscard]] Result<VerifiedCaller> verify(
      const RequestContext& context, std::int64_t now_unix_ms
  ) const;
  // The same where a script's run asks: its run token is taken too, in requests of that run.
  [[nodiscard]] Result<VerifiedCaller> verify_run(
      const RequestContext& context, std::int64_t now_unix_ms
  ) const;

 private:
  [[nodiscard]] Result<VerifiedCaller> caller_of(
      policy::v1::CallerClaims claims, std::int64_t now_unix_ms
  ) const;

  const grant::KeyRing* keys_;
  PolicyState* state_;
};

}  // namespace sluice::policy_engine
