// SetupPort over the bus.
#pragma once

#include "services/ingress/setup_port.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusSetup final : public SetupPort {
 public:
  explicit BusSetup(bus::Bus* bus) : bus_(bus) {}

  Async<policy::v1::SetupReply> setup(policy::v1::SetupRequest request, RequestContext context)
      override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
