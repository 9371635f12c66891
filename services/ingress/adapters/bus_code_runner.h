// BusCodeRunner: codemode-sandbox over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusCodeRunner final : public CodeRunner {
 public:
  explicit BusCodeRunner(bus::Bus* bus) : bus_(bus) {}

  Async<codemode::v1::DescribeReply> describe(
      codemode::v1::DescribeRequest request, RequestContext context
  ) override;
  Async<codemode::v1::RunFinal> run(
      codemode::v1::RunRequest request,
      std::function<void(const codemode::v1::RunProgress&)> line,
      RequestContext context
  ) override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
