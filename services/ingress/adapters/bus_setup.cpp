#include "services/ingress/adapters/bus_setup.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Async<policy::v1::SetupReply> BusSetup::setup(
    policy::v1::SetupRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicySetup, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
