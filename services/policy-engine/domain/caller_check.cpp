#include "services/policy-engine/domain/caller_check.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::policy_engine {

Async<VerifiedCaller> CallerCheck::verify(RequestContext context) const {
  SLUICE_CO_TRY(
      policy::v1::CallerClaims claims,
      grant::verify_token(*keys_, context.caller_token, clock_->unix_ms())
  );
  co_return co_await caller_of(std::move(claims), context.deadline);
}

Async<VerifiedCaller> CallerCheck::verify_run(RequestContext context) const {
  SLUICE_CO_TRY(
      policy::v1::CallerClaims claims,
      grant::verify_run_or_caller_token(
          *keys_, context.caller_token, clock_->unix_ms(), context.run.str()
      )
  );
  co_return co_await caller_of(std::move(claims), context.deadline);
}

Async<VerifiedCaller> CallerCheck::caller_of(policy::v1::CallerClaims claims, TimePoint deadline)
    const {
  VerifiedCaller caller;
  caller.claims = std::move(claims);
  state_->heard(caller.claims.policy_version());
  SLUICE_CO_TRY(caller.policy, co_await state_->caught_up(clock_, deadline));
  caller.key = caller.policy->policy.key_named(caller.claims.key_id());
  const bool same = caller.key != nullptr && caller.key->may_name(caller.claims.principal()) &&
                    caller.key->tenant == caller.claims.tenant() &&
                    !caller.key->is_expired(clock_->unix_ms());
  if (!same) {
    co_return Error(
        Code::Unauthenticated, "the caller's key is not valid any more: use another key"
    );
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
  co_return caller;
}

}  // namespace sluice::policy_engine
