#include "services/ingress/adapters/bus_provider_router.h"

#include "proto/endpoints.h"

namespace sluice::ingress {
namespace {

class BusChatStream final : public ChatStream {
 public:
  using Stream = bus::Stream<provider::v1::ChatChunk, provider::v1::ChatFinal>;

  explicit BusChatStream(Stream stream) : stream_(std::move(stream)) {}

  Async<std::optional<provider::v1::ChatChunk>> next() override { return stream_.next(); }

  provider::v1::ChatFinal& final() override { return stream_.final(); }

 private:
  Stream stream_;
};

}  // namespace

Async<std::unique_ptr<ChatStream>> BusProviderRouter::chat(
    provider::v1::ChatRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      auto stream,
      co_await bus_->open(endpoints::kProviderChat, std::move(request), std::move(context))
  );
  co_return std::unique_ptr<ChatStream>(std::make_unique<BusChatStream>(std::move(stream)));
}

Async<provider::v1::EmbedReply> BusProviderRouter::embed(
    provider::v1::EmbedRequest request, RequestContext context
) {
  return bus_->call(endpoints::kProviderEmbed, std::move(request), std::move(context));
}

Async<provider::v1::ModelsReply> BusProviderRouter::models(RequestContext context) {
  return bus_->call(endpoints::kProviderModels, provider::v1::ModelsRequest(), std::move(context));
}

}  // namespace sluice::ingress
