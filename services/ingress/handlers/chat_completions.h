// POST /v1/chat/completions: attaches the caller's tools, hands the request to provider-router, and
// gives its answer back whole or as server-sent events. Suggested tool calls are remembered and
// returned; where some tool may run by itself, the chat is AgentLoop's.
//
// Errors: Invalid, Unauthenticated, Exhausted (too large with its tools), Unavailable (audit outbox
// full, policy-engine, mcp-connector or provider-router does not answer), Deadline; a provider's
// own error comes as provider-router mapped it. After the first event an error is an event itself.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/agent_loop.h"
#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/chat_body.h"
#include "services/ingress/domain/chat_records.h"
#include "services/ingress/domain/chat_turn.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/ports.h"

#include "common/async/user_time.h"
#include "common/crypto/sha256.h"
#include "common/http/message.h"
#include "common/observability/metrics.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::ingress {

// Which tools are attached to a chat.
struct ToolInjection {
  bool servers_configured = true;  // by the file; else the chat does not need them
  bool only_on_request = false;    // mcp.tool_manager_config.disable_auto_tool_inject
};

class ChatCompletionsHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    CatalogSource* catalog;
    ChainFinder* chains;
    ProviderRouter* provider;
    ToolExecution* tools;
    CodeExecution* code;
    Trail* trail;
    audit::Client* audit;
    async::Clock* clock;
    observability::Metrics* metrics;
    ToolInjection injection;
    std::size_t agent_depth = 10;  // mcp.tool_manager_config.max_agent_depth
  };

  explicit ChatCompletionsHandler(Deps deps);

  Async<void> operator()(
      http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
  );

 private:
  Async<SnapshotPtr> tools_for(const ChatTurn* turn);
  // Checks the request and makes of it what provider-router gets.
  Async<provider::v1::ChatRequest> prepare(
      http::HttpRequest* request, Admitted admitted, ChatTurn* turn
  );
  Async<void> run_agent(std::string body, http::ResponseWriter* writer, ChatTurn* turn);
  // request is an out-parameter's source: prepared by prepare().
  Async<void> run(
      provider::v1::ChatRequest request,
      http::ResponseWriter* writer,
      ChatTurn* turn,
      async::UserTime* time
  );
  Async<void> answer_whole(
      ChatStream* stream, http::ResponseWriter* writer, ChatTurn* turn, async::UserTime* time
  );
  // first: the events that were waited for before the response began.
  Async<void> answer_in_events(
      ChatStream* stream,
      std::string first,
      http::ResponseWriter* writer,
      ChatTurn* turn,
      async::UserTime* time
  );
  // A provider's refusal, as it came or as an event.
  Async<void> refuse(
      provider::v1::ChatFinal* final, http::ResponseWriter* writer, const ChatTurn* turn
  );
  // Records and remembers; before the answer is finished.
  Async<void> settle(
      const provider::v1::ChatFinal* final,
      std::string answer_digest,
      ChatTurn* turn,
      async::UserTime* time
  );
  Async<void> fail(Error error, http::ResponseWriter* writer, ChatTurn* turn);
  Async<void> fail_in_events(std::string error_body, http::ResponseWriter* writer);

  Deps deps_;
  ChatRecords records_;
  AgentTools agent_tools_;
  AgentLoop agent_;
  observability::Histogram* user_seconds_;
};

}  // namespace sluice::ingress
