#include "services/audit-writer/domain/caller.h"

#include <algorithm>

namespace sluice::audit_writer {

namespace {

Result<void> check_there(const RequestContext& context) {
  if (context.caller_token.empty()) {
    return Error(
        Code::Unauthenticated,
        "the audit trail answers authenticated callers only; send a caller token"
    );
  }
  return {};
}

}  // namespace

Result<policy::v1::CallerClaims> caller_of(
    const grant::KeyRing& keys, const RequestContext& context, std::int64_t now_unix_ms
) {
  SLUICE_CHECK_OK(check_there(context));
  return grant::verify_token(keys, context.caller_token, now_unix_ms);
}

Result<policy::v1::CallerClaims> run_or_caller_of(
    const grant::KeyRing& keys, const RequestContext& context, std::int64_t now_unix_ms
) {
  SLUICE_CHECK_OK(check_there(context));
  return grant::verify_run_or_caller_token(
      keys, context.caller_token, now_unix_ms, context.run.str()
  );
}

Result<void> require_admin(const policy::v1::CallerClaims& claims) {
  if (std::find(claims.roles().begin(), claims.roles().end(), "admin") == claims.roles().end()) {
    return Error(Code::Denied, "reading the audit trail needs the role admin");
  }
  return {};
}

}  // namespace sluice::audit_writer
