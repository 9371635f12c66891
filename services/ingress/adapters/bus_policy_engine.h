// BusPolicyEngine: policy-engine over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusPolicyEngine final : public PolicyEngine {
 public:
  explicit BusPolicyEngine(bus::Bus* bus) : bus_(bus) {}

  Async<policy::v1::AuthenticateReply> authenticate(
      policy::v1::AuthenticateRequest request, RequestContext context
  ) override;
  Async<policy::v1::VisibleReply> visible(
      policy::v1::VisibleRequest request, RequestContext context
  ) override;
  Async<policy::v1::DecideReply> decide(policy::v1::DecideRequest request, RequestContext context)
      override;
  Async<policy::v1::ManageReply> manage(policy::v1::ManageRequest request, RequestContext context)
      override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
