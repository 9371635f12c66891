// ToolExecution: decides on one tool call and runs it under the grant of policy-engine, for every
// surface that executes tools. What came of it is a value; each surface words it in its own form.
//
// What a server asks a model for during a call is answered here where the operator allows it; all
// other questions are ends.
//
// At most once: for writes and deletes the decision follows from the call, so that executing it
// again is answered from the trail, never by a second effect.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/execution_end.h"
#include "services/ingress/domain/mcp_client.h"
#include "services/ingress/domain/sampler.h"
#include "services/ingress/domain/tool_call.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

// One execution under way.
struct Execution {
  const http::HttpRequest* request = nullptr;  // carries the credential; outlives the execution
  CallerPtr caller;
  Owner owner;
  RequestContext context;  // hop: that of tool.execute
  ToolCall call;
  std::string approval_id;
  ProgressSink progress;            // may be empty
  McpClient client;                 // whom the server may ask and tell
  bool cancel_with_caller = false;  // a cancelled run() ends the call; else it goes on
  bool chain_named = false;         // by the client, which goes on with it
  policy::v1::Mode mode = policy::v1::MODE_MANUAL;
};

// Header x-sluice-approval; "" without one. Errors: Invalid (too long).
[[nodiscard]] Result<std::string> approval_header(const http::Headers& headers);

class ToolExecution {
 public:
  struct Deps {
    Admission* admission;  // all outlive it
    CatalogSource* catalog;
    PolicyEngine* policy;
    ToolServers* servers;
    AuditJournal* journal;
    Sampler* sampler;
    Trail* trail;
    audit::Client* audit;
    async::Clock* clock;
    std::chrono::milliseconds tool_timeout{30'000
    };  // mcp.tool_manager_config.tool_execution_timeout
  };

  explicit ToolExecution(Deps deps) : deps_(deps) {}

  // A tool that a call found, and how often it was decided on.
  struct Attempt {
    Execution* execution = nullptr;  // outlives it
    ToolEntry tool;
    std::string decision_id;
    std::uint32_t decisions = 0;
    std::optional<policy::v1::Decision> decision;  // made already, not acted on yet
  };

  // snapshot: what the caller may see in this request. Errors: Unavailable (also: the tool's server
  // is not connected yet), Deadline, Cancelled, NotFound (the tool went meanwhile), Invalid.
  Async<ExecutionEnd> run(Execution* execution, SnapshotPtr snapshot, Narrowing narrowing);
  // The same in pieces, for several calls at once: the tool of a call (an end: there is nothing to
  // decide on), one request for a decision on up to kAgentCallsMax attempts of one conversation,
  // each under its own decision id, and the rest. Errors besides: Conflict (catalog or policy have
  // changed: each attempt then decides for itself).
  Async<std::optional<ExecutionEnd>> find(
      Attempt* attempt, SnapshotPtr snapshot, Narrowing narrowing
  );
  Async<void> decide_together(std::vector<Attempt*> attempts);
  Async<ExecutionEnd> run(Attempt* attempt);
  // The same for what is no tool: target says method and server, the call's arguments are the
  // canonical params.
  Async<ExecutionEnd> request(Execution* execution, ToolEntry target);
  // Goes on with a request whose server asked something, under its first grant; the call's
  // arguments are those of then. responses: as of connector.v1.Input. Errors besides: those with
  // which mcp-connector refuses (no such request waits, or it is another's or about something
  // else).
  Async<ExecutionEnd> go_on(Execution* execution, InputNeeded needed, std::string responses);

 private:
  Async<void> record(Execution* execution, const ToolEntry* tool, std::string refusal);
  Async<policy::v1::Decision> decide(Attempt* attempt);
  // Decides, and once more where policy or catalog changed in between.
  Async<policy::v1::Decision> decide_current(Attempt* attempt);
  Async<ExecutionEnd> decide_and_run(Attempt* attempt);
  // Answers of the gateway's own model, and the end that comes of them.
  Async<ExecutionEnd> sample(Execution* execution, ExecutionEnd end);
  Async<std::string> sampled(Execution* execution, InputNeeded needed);
  Async<ExecutionEnd> send_input(Execution* execution, InputNeeded needed, std::string responses);
  Async<connector::v1::Final> carry_out(Attempt* attempt, policy::v1::Decision decision);
  // The end of a call that has no grant.
  Async<ExecutionEnd> withheld(Execution* execution, policy::v1::Decision decision);
  // What the trail knows of a grant; nullopt when the grant was not used.
  Async<std::optional<ExecutionEnd>> recall(Execution* execution, std::string grant_id);
  Async<void> refresh(Attempt* attempt);
  Async<void> find_again(Attempt* attempt);

  Deps deps_;
};

}  // namespace sluice::ingress
