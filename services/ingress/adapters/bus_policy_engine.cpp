#include "services/ingress/adapters/bus_policy_engine.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Async<policy::v1::AuthenticateReply> BusPolicyEngine::authenticate(
    policy::v1::AuthenticateRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyAuthenticate, std::move(request), std::move(context));
}

Async<policy::v1::VisibleReply> BusPolicyEngine::visible(
    policy::v1::VisibleRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyVisible, std::move(request), std::move(context));
}

Async<policy::v1::DecideReply> BusPolicyEngine::decide(
    policy::v1::DecideRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyDecide, std::move(request), std::move(context));
}

Async<policy::v1::ManageReply> BusPolicyEngine::manage(
    policy::v1::ManageRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyManage, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
