// RouterFixture: the handlers over fakes, with providers open (two keys), claude and demo.
#pragma once

#include "services/provider-router/handlers/chat.h"
#include "services/provider-router/handlers/embed.h"
#include "services/provider-router/handlers/models.h"
#include "services/provider-router/testing/scripted_provider.h"

#include "common/audit/testing/recording_client.h"
#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>

namespace sluice::provider_router {

class RouterFixture {
 public:
  explicit RouterFixture(testing::FaultPlan* faults = nullptr);

  // Runs the handler; moves the clock on whenever it waits.
  Result<provider::v1::ChatFinal> chat(
      const std::string& model, const std::string& body, bool stream = false
  );
  Result<provider::v1::EmbedReply> embed(const std::string& model, const std::string& body);

  [[nodiscard]] RequestContext context() const;

  std::uint32_t hop = 3;  // of requests
  testing::ManualClock clock;
  ScriptedProvider upstream;
  audit::RecordingClient audit;
  observability::RecordingLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  RouteTable routes;
  RecordingChunkWriter writer;
  ChatHandler chat_handler;
  EmbedHandler embed_handler;

 private:
  template <class T>
  Result<T> run(Async<T> operation);
};

}  // namespace sluice::provider_router
