// Who asks: the claims of a verified caller token, and what a role is needed for.
#pragma once

#include "common/async/request_context.h"
#include "common/grant/grant.h"

namespace sluice::audit_writer {

// Errors: Unauthenticated (no token, or one that does not verify).
[[nodiscard]] Result<policy::v1::CallerClaims> caller_of(
    const grant::KeyRing& keys, const RequestContext& context, std::int64_t now_unix_ms
);
// The same where a script's run asks: its run token is taken too, in requests of that run.
[[nodiscard]] Result<policy::v1::CallerClaims> run_or_caller_of(
    const grant::KeyRing& keys, const RequestContext& context, std::int64_t now_unix_ms
);

// Errors: Denied.
[[nodiscard]] Result<void> require_admin(const policy::v1::CallerClaims& claims);

}  // namespace sluice::audit_writer
