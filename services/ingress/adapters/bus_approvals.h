// BusApprovals: approvals of policy-engine over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusApprovals final : public Approvals {
 public:
  // The bus outlives it.
  explicit BusApprovals(bus::Bus* bus) : bus_(bus) {}

  Async<policy::v1::ListApprovalsReply> list(
      policy::v1::ListApprovalsRequest request, RequestContext context
  ) override;
  Async<policy::v1::GetApprovalReply> get(
      policy::v1::GetApprovalRequest request, RequestContext context
  ) override;
  Async<policy::v1::AnswerApprovalReply> answer(
      policy::v1::AnswerApprovalRequest request, RequestContext context
  ) override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
