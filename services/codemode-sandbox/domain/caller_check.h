// CallerCheck: who is behind a request. Every handler asks it first.
#pragma once

#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/grant/grant.h"

namespace sluice::codemode_sandbox {

class CallerCheck {
 public:
  // Both outlive the check.
  CallerCheck(const grant::KeyRing* keys, async::Clock* clock) : keys_(keys), clock_(clock) {}

  // The claims of the caller token; the context's own tenant and principal prove nothing.
  // Errors: Unauthenticated (no valid token, or one of somebody else).
  [[nodiscard]] Result<policy::v1::CallerClaims> verify(const RequestContext& context) const;

 private:
  const grant::KeyRing* keys_;
  async::Clock* clock_;
};

}  // namespace sluice::codemode_sandbox
