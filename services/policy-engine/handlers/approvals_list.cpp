#include "services/policy-engine/handlers/approvals_list.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"
#include "common/grant/policy_names.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

Result<ApprovalFilter> filter_of(
    const policy::v1::ListApprovalsRequest& request, const VerifiedCaller& caller
) {
  if (request.limit() > kApprovalsPageMax) {
    return Error(
        Code::Invalid,
        "a page has at most " + std::to_string(kApprovalsPageMax) + " approvals: ask for fewer"
    );
  }
  ApprovalFilter filter;
  filter.tenant = caller.claims.tenant();
  filter.principal = may_answer_for_others(caller) ? "" : caller.claims.principal();
  filter.after = request.after().substr(0, kApprovalIdBytesMax);
  filter.limit = request.limit() == 0 ? kApprovalsPageDefault : request.limit();
  if (request.state() != policy::v1::APPROVAL_STATE_UNSPECIFIED) {
    if (name_of(request.state()).empty()) {
      return Error(Code::Invalid, "there is no such state of an approval: leave it out");
    }
    filter.state = request.state();
  }
  return filter;
}

}  // namespace

Async<policy::v1::ListApprovalsReply> ApprovalsListHandler::operator()(
    policy::v1::ListApprovalsRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const VerifiedCaller caller, co_await deps_.callers->verify(context));
  SLUICE_CO_TRY(ApprovalFilter filter, filter_of(request, caller));
  const TimePoint deadline =
      std::min<TimePoint>(context.deadline, deps_.clock->now() + kApprovalHandlerTimeout);
  SLUICE_CO_TRY(
      ApprovalPage page,
      co_await async::with_deadline(deps_.clock, deadline, deps_.store->list(std::move(filter)))
  );
  policy::v1::ListApprovalsReply reply;
  reply.set_more(page.more);
  for (policy::v1::Approval& approval : page.approvals) {
    *reply.add_approvals() = std::move(approval);
  }
  co_return reply;
}

}  // namespace sluice::policy_engine
