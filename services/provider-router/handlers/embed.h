// Passes an embeddings request on to an OpenAI-compatible provider; the answer comes back as it is.
//
// Errors: Invalid (body, or a provider without embeddings), NotFound (model), Unavailable (records
// cannot be kept), Cancelled.
#pragma once

#include "services/provider-router/handlers/attempts.h"
#include "services/provider-router/ports.h"

#include "proto/sluice/provider/v1/provider.pb.h"

namespace sluice::provider_router {

class EmbedHandler {
 public:
  struct Deps {
    const RouteTable* routes;  // all outlive the handler
    Upstream* upstream;
    audit::Client* audit;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    std::uint64_t seed;
  };

  explicit EmbedHandler(Deps deps) : deps_(deps) {}

  Async<provider::v1::EmbedReply> operator()(
      provider::v1::EmbedRequest request, RequestContext context
  );

 private:
  Deps deps_;
  std::uint64_t requests_ = 0;
};

}  // namespace sluice::provider_router
