#include "services/policy-engine/handlers/approvals_get.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {

Async<policy::v1::GetApprovalReply> ApprovalsGetHandler::operator()(
    policy::v1::GetApprovalRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const VerifiedCaller caller, co_await deps_.callers->verify(context));
  const TimePoint deadline =
      std::min<TimePoint>(context.deadline, deps_.clock->now() + kApprovalHandlerTimeout);
  SLUICE_CO_TRY(
      std::optional<StoredApproval> found,
      co_await async::with_deadline(
          deps_.clock, deadline, deps_.store->get(std::move(*request.mutable_id()))
      )
  );
  if (!found || !may_see(caller, found->approval)) {
    co_return Error(Code::NotFound, "there is no such approval: list them again");
  }
  policy::v1::GetApprovalReply reply;
  *reply.mutable_approval() = std::move(found->approval);
  co_return reply;
}

}  // namespace sluice::policy_engine
