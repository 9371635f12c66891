#include "services/ingress/adapters/bus_approvals.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Async<policy::v1::ListApprovalsReply> BusApprovals::list(
    policy::v1::ListApprovalsRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyApprovalsList, std::move(request), std::move(context));
}

Async<policy::v1::GetApprovalReply> BusApprovals::get(
    policy::v1::GetApprovalRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyApprovalsGet, std::move(request), std::move(context));
}

Async<policy::v1::AnswerApprovalReply> BusApprovals::answer(
    policy::v1::AnswerApprovalRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyApprovalsAnswer, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
