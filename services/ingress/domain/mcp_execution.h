// McpExecution: requests of MCP clients that are carried out under grants, with what their servers
// tell and ask in between.
#pragma once

#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/mcp_calls.h"
#include "services/ingress/domain/mcp_exchange.h"
#include "services/ingress/domain/mcp_input.h"
#include "services/ingress/domain/tool_execution.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::ingress {

// Errors of all: those of ToolExecution and of the stores.
class McpExecution {
 public:
  struct Deps {
    ChainFinder* chains;  // all outlive it
    ToolExecution* tools;
    McpSessionStore* sessions;
    McpCalls* calls;
    async::Clock* clock;
    observability::Log* log;
  };

  explicit McpExecution(Deps deps) : deps_(deps) {}

  // In the conversation it belongs to, with what the client wants to be told. method: of the
  // request; params: with _meta. Errors besides: Invalid.
  Async<Execution> begin(
      McpExchange* exchange, ToolCall call, std::string method, json::Value params
  );
  Async<void> finish(McpExchange* exchange, const Execution* execution);

  // As those of ToolExecution. A legacy client is asked whatever the server asks until there is an
  // end; a modern one is answered with the first question. Errors besides: Deadline (the client did
  // not answer).
  Async<ExecutionEnd> run(
      McpExchange* exchange, Execution* execution, SnapshotPtr tools, Narrowing narrowing
  );
  // retry: it was sent again with answers.
  Async<ExecutionEnd> request(
      McpExchange* exchange, Execution* execution, ToolEntry target, std::optional<InputRetry> retry
  );
  // A request that a modern client sent again with answers. target: where it went. Errors besides:
  // Invalid (no such request waits).
  Async<ExecutionEnd> resume(Execution* execution, ToolEntry target, InputRetry retry);

 private:
  Async<McpClient> client_of(McpExchange* exchange, std::string method, const json::Value* params);
  Async<ExecutionEnd> settle(McpExchange* exchange, Execution* execution, ExecutionEnd end);
  Async<std::string> answers_of(
      McpExchange* exchange, const Execution* execution, std::string requests
  );

  Deps deps_;
};

}  // namespace sluice::ingress
