#include "services/codemode-sandbox/domain/caller_check.h"

namespace sluice::codemode_sandbox {

Result<policy::v1::CallerClaims> CallerCheck::verify(const RequestContext& context) const {
  SLUICE_TRY(
      policy::v1::CallerClaims claims,
      grant::verify_token(*keys_, context.caller_token, clock_->unix_ms())
  );
  const bool same_tenant = context.tenant.empty() || context.tenant.str() == claims.tenant();
  const bool same_principal =
      context.principal.empty() || context.principal.str() == claims.principal();
  if (!same_tenant || !same_principal) {
    return Error(
        Code::Unauthenticated, "the caller token belongs to another caller; authenticate again"
    );
  }
  return claims;
}

}  // namespace sluice::codemode_sandbox
