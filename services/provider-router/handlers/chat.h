// Answers one chat request: route, translate, ask the provider, translate back; streams chunk by
// chunk.
//
// Errors: Invalid (body), NotFound (model), Unavailable (records cannot be kept), Cancelled. A
// provider's failure is a normal final with its status mapped; after chunks were sent, such a final
// means: write its body as the last event.
#pragma once

#include "services/provider-router/domain/translate/dialects.h"
#include "services/provider-router/handlers/attempts.h"
#include "services/provider-router/ports.h"

#include "common/async/user_time.h"
#include "common/bus/bus.h"

#include <variant>

namespace sluice::provider_router {

using ChatWriter = bus::ChunkWriter<provider::v1::ChatChunk>;

class ChatHandler {
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

  explicit ChatHandler(Deps deps);

  Async<provider::v1::ChatFinal> operator()(
      provider::v1::ChatRequest request, ChatWriter* writer, RequestContext context
  );

 private:
  // One request on its way; lives in the frame of operator().
  struct Exchange {
    Route route;
    bool stream = false;
    UpstreamBody prepared;
    ChatWriter* writer = nullptr;
    RequestContext context;
    async::UserTime* own = nullptr;
    std::string fallback_id;
    std::string upstream_request_id;
    AnswerFacts facts;  // of the last attempt
    std::string body;   // of a plain answer
    bool passed_on = false;
    Duration took{};  // of the last attempt

    [[nodiscard]] AnswerSource source(std::int64_t now_unix_s) const;
  };

  // nullopt: answered.
  using Attempted = std::optional<Failure>;

  Async<provider::v1::ChatFinal> ask_provider(Exchange* exchange);
  Async<Attempted> attempt_plain(Exchange* exchange, const ProviderKey* key);
  Async<Attempted> attempt_stream(Exchange* exchange, const ProviderKey* key);
  Async<Attempted> forward(Exchange* exchange, http::BodyStream* body);
  Async<std::string> read_next(StreamTranslator* translator, http::BodyStream* body);
  Async<Attempted> not_a_stream(Exchange* exchange, http::BodyStream* body);
  Async<void> pass_on(Exchange* exchange, std::string events);
  Async<provider::v1::ChatFinal> answer_demo(
      provider::v1::ChatRequest request, ChatWriter* writer, RequestContext context
  );

  [[nodiscard]] std::int64_t now_unix_s() const { return deps_.clock->unix_ms() / 1000; }

  [[nodiscard]] UpstreamCall call_of(const Exchange& exchange, const ProviderKey* key) const;

  Deps deps_;
  observability::Histogram& own_seconds_;
  std::uint64_t requests_ = 0;
};

}  // namespace sluice::provider_router
