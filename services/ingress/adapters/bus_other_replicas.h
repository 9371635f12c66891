// BusOtherReplicas: the other replicas of ingress over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusOtherReplicas final : public OtherReplicas {
 public:
  explicit BusOtherReplicas(bus::Bus* bus) : bus_(bus) {}

  Result<void> tell(const v1::ClientMessage& message) override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
