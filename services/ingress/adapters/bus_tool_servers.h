// BusToolServers: mcp-connector over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusToolServers final : public ToolServers {
 public:
  explicit BusToolServers(bus::Bus* bus) : bus_(bus) {}

  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override;
  Async<connector::v1::Final> request(
      connector::v1::Request request, ProgressSink progress, RequestContext context
  ) override;
  Async<connector::v1::Final> go_on(
      connector::v1::Input input, ProgressSink progress, RequestContext context
  ) override;
  Async<connector::v1::ManageReply> list(RequestContext context) override;
  Async<connector::v1::ManageReply> manage(
      connector::v1::ManageRequest request, RequestContext context
  ) override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
