// provider-router: LLM providers behind one shape.
// The only file in this service that names concrete adapters.
#include "services/provider-router/adapters/http_provider.h"
#include "services/provider-router/config.h"
#include "services/provider-router/handlers/chat.h"
#include "services/provider-router/handlers/embed.h"
#include "services/provider-router/handlers/models.h"
#include "services/provider-router/limits.h"

#include "common/crypto/random.h"
#include "common/http/client.h"
#include "common/service/connect.h"
#include "common/service/run.h"

#include "proto/endpoints.h"

namespace sluice::provider_router {
namespace {

Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Connections.
  SLUICE_CO_TRY(service::Link link, co_await service::connect(runtime, config.bus, config.audit));
  http::ClientOptions client_options;
  client_options.response_bytes_max = kAnswerBytesMax;
  const auto client = http::Client::make(runtime.executor(), runtime.clock(), client_options);

  // 2. Ports.
  HttpProvider upstream(client.get());
  const RouteTable routes(std::move(config.providers));
  const std::uint64_t seed = crypto::random_u64();

  // 3. Handlers.
  ChatHandler chat({
      &routes,
      &upstream,
      link.audit.get(),
      runtime.clock(),
      runtime.log(),
      runtime.metrics(),
      seed,
  });
  EmbedHandler embed({
      &routes,
      &upstream,
      link.audit.get(),
      runtime.clock(),
      runtime.log(),
      runtime.metrics(),
      seed,
  });
  ModelsHandler models(&routes, runtime.clock()->unix_ms() / 1000);

  // 4. Routes, then run until SIGTERM and drain.
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kProviderChat, chat));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kProviderEmbed, embed));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kProviderModels, models));
  SLUICE_CO_CHECK_OK(co_await runtime.stopped());
  co_return co_await service::drain(runtime, &link, runtime.clock()->now() + kDrainTimeout);
}

}  // namespace
}  // namespace sluice::provider_router

int main(int argc, char** argv) {
  return sluice::service::run<sluice::provider_router::Config>(
      "provider-router", argc, argv, sluice::provider_router::serve
  );
}
