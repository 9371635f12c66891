// BusScriptRuns: runs of codemode-sandbox over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusScriptRuns final : public ScriptRuns {
 public:
  // The bus outlives it.
  explicit BusScriptRuns(bus::Bus* bus) : bus_(bus) {}

  Async<codemode::v1::RunsReply> ask(codemode::v1::RunsRequest request, RequestContext context)
      override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
