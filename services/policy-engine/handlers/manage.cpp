#include "services/policy-engine/handlers/manage.h"

#include <algorithm>

namespace sluice::policy_engine {

Async<policy::v1::ManageReply> ManageHandler::operator()(
    policy::v1::ManageRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const VerifiedCaller caller, deps_.callers->verify(context, deps_.clock->unix_ms())
  );
  const auto& roles = caller.claims.roles();
  if (std::find(roles.begin(), roles.end(), "admin") == roles.end()) {
    co_return Error(Code::Denied, "management needs a key with the role admin");
  }
  switch (request.operation_case()) {
    case policy::v1::ManageRequest::kGetPolicy:
      break;
    case policy::v1::ManageRequest::kReload:
      SLUICE_CO_CHECK_OK(co_await deps_.binding->claim_again());
      break;
    default:
      co_return Error(Code::Invalid, "no operation: send get_policy or reload");
  }
  SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  policy::v1::ManageReply reply;
  reply.set_policy_version(loaded->version);
  reply.set_snapshot_hash(loaded->hash);
  co_return reply;
}

}  // namespace sluice::policy_engine
