// McpExecution: requests of MCP clients that are carried out under grants, with what their servers
// tell and ask in between.
#pragma once

#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/mcp_approvals.h"
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
    Admission* admission;  // all outlive it
    ChainFinder* chains;
    ToolExecution* tools;
    McpSessionStore* sessions;
    McpCalls* calls;
    McpApprovals* approvals;
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
  // end; a modern one is answered with the first question. A call that waits for people is one that
  // a client that fills in forms is asked about. Errors besides: Deadline (the client did not
  // answer).
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
  // A tool call that a modern client sent again, which waited for people: run, once they approved.
  // policy-engine checks that it is the same call. Errors besides: NotFound (no such approval).
  Async<ExecutionEnd> resume_approval(
      McpExchange* exchange,
      Execution* execution,
      SnapshotPtr tools,
      Narrowing narrowing,
      InputRetry retry
  );

 private:
  Async<ExecutionEnd> run_approved(
      Execution* execution, SnapshotPtr tools, Narrowing narrowing, std::string approval_id
  );
  // The end of a run, after people have answered where it waits for them.
  Async<ExecutionEnd> approve(
      McpExchange* exchange,
      Execution* execution,
      SnapshotPtr tools,
      Narrowing narrowing,
      ExecutionEnd end
  );
  // Goes on in the conversation in which the approval was asked for, under the same id.
  Async<void> continue_chain(McpExchange* exchange, Execution* execution, std::string approval_id);
  Async<McpClient> client_of(McpExchange* exchange, std::string method, const json::Value* params);
  Async<ExecutionEnd> settle(McpExchange* exchange, Execution* execution, ExecutionEnd end);
  Async<std::string> answers_of(
      McpExchange* exchange, const Execution* execution, std::string requests
  );

  Deps deps_;
};

}  // namespace sluice::ingress
