// BusProviderRouter: provider-router over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusProviderRouter final : public ProviderRouter {
 public:
  explicit BusProviderRouter(bus::Bus* bus) : bus_(bus) {}

  Async<std::unique_ptr<ChatStream>> chat(provider::v1::ChatRequest request, RequestContext context)
      override;
  Async<provider::v1::EmbedReply> embed(provider::v1::EmbedRequest request, RequestContext context)
      override;
  Async<provider::v1::ModelsReply> models(RequestContext context) override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
