// How ingress hands a setup token to policy-engine: the one request there without a caller.
#pragma once

#include "common/async/request_context.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::ingress {

class SetupPort {
 public:
  virtual ~SetupPort() = default;
  // Errors: those of the bus (common/bus/bus.h) and of policy.setup.
  virtual Async<policy::v1::SetupReply> setup(
      policy::v1::SetupRequest request, RequestContext context
  ) = 0;
};

}  // namespace sluice::ingress
