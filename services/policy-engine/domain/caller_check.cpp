#include "services/policy-engine/domain/caller_check.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::policy_engine {

Result<VerifiedCaller> CallerCheck::verify(const RequestContext& context, std::int64_t now_unix_ms)
    const {
  SLUICE_TRY(
      policy::v1::CallerClaims claims,
      grant::verify_token(*keys_, context.caller_token, now_unix_ms)
  );
  return caller_of(std::move(claims), now_unix_ms);
}

Result<VerifiedCaller> CallerCheck::verify_run(
    const RequestContext& context, std::int64_t now_unix_ms
) const {
  SLUICE_TRY(
      policy::v1::CallerClaims claims,
      grant::verify_run_or_caller_token(
          *keys_, context.caller_token, now_unix_ms, context.run.str()
      )
  );
  return caller_of(std::move(claims), now_unix_ms);
}

Result<VerifiedCaller> CallerCheck::caller_of(
    policy::v1::CallerClaims claims, std::int64_t now_unix_ms
) const {
  VerifiedCaller caller;
  caller.claims = std::move(claims);
  state_->heard(caller.claims.policy_version());
  SLUICE_TRY(caller.policy, state_->current());
  caller.key = caller.policy->policy.key_named(caller.claims.key_id());
  const bool same = caller.key != nullptr && caller.key->may_name(caller.claims.principal()) &&
                    caller.key->tenant == caller.claims.tenant() &&
                    !caller.key->is_expired(now_unix_ms);
  if (!same) {
    return Error(Code::Unauthenticated, "the caller's key is not valid any more: use another key");
  }
  if (!caller.key->id.starts_with("jwt:")) {  // a key may have lost roles since
    auto* const roles = caller.claims.mutable_roles();
    roles->erase(
        std::remove_if(
            roles->begin(),
            roles->end(),
            [&caller](const std::string& role) { return !caller.key->has_role(role); }
        ),
        roles->end()
    );
  }
  return caller;
}

}  // namespace sluice::policy_engine
