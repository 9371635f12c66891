#include "services/ingress/adapters/bus_other_replicas.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Result<void> BusOtherReplicas::tell(const v1::ClientMessage& message) {
  return bus_->publish(endpoints::kClientMessage, message);
}

}  // namespace sluice::ingress
