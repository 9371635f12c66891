// POST /v1/mcp/tool/execute: runs one tool call that a model suggested, or that the caller made up,
// under a grant of policy-engine. One OpenAI tool call in, one tool message out.
//
// At most once: for writes and deletes the decision follows from the call, so that executing it
// again is answered from the trail (x-sluice-replayed: true), never by a second effect. Errors:
// Invalid, Unauthenticated, Unavailable, Deadline, NotFound (no such tool; near names are named).
// Answers with a code of their own: 403 tool_denied, 403 approval_required, 409 in_progress, 409
// outcome_unknown, 503 not_carried_out.
//
// executeToolCode is not a server's tool: its script goes to codemode-sandbox (CodeExecution).
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/tool_call.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/handlers/execute_code.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"
#include "common/observability/metrics.h"

#include <chrono>
#include <string>

namespace sluice::ingress {

class ExecuteToolHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    CatalogSource* catalog;
    ChainFinder* chains;
    PolicyEngine* policy;
    ToolServers* servers;
    CodeExecution* code;
    AuditJournal* journal;
    Trail* trail;
    audit::Client* audit;
    async::Clock* clock;
    observability::Metrics* metrics;
    std::chrono::milliseconds tool_timeout{30'000
    };  // mcp.tool_manager_config.tool_execution_timeout
  };

  explicit ExecuteToolHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  // One execution under way.
  struct Execution {
    const http::HttpRequest* request = nullptr;
    CallerPtr caller;
    RequestContext context;  // hop: that of tool.execute
    Owner owner;
    bool chain_named = false;
    CallFormat format = CallFormat::Chat;
    ToolCall call;
    ToolEntry tool;
    std::string approval_id;
    std::string decision_id;
    std::uint32_t decisions = 0;
    std::uint32_t last_hop = 0;  // of a script's run
  };

  Async<http::HttpResponse> execute(Execution* execution);
  Async<http::HttpResponse> run_code(Execution* execution, Narrowing narrowing);
  Async<http::HttpResponse> refuse(
      Execution* execution, const ToolEntry* tool, http::HttpResponse answer, std::string why
  );
  Async<http::HttpResponse> decide_and_run(Execution* execution);
  Async<policy::v1::Decision> decide(Execution* execution);
  // Decides, and once more where policy or catalog changed in between.
  Async<policy::v1::Decision> decide_current(Execution* execution);
  Async<connector::v1::Final> carry_out(Execution* execution, policy::v1::Decision decision);
  // What the trail knows of a grant: an answer, or nullopt when the grant was not used.
  Async<std::optional<http::HttpResponse>> recall(Execution* execution, std::string grant_id);
  Async<void> refresh(Execution* execution);
  Async<http::HttpResponse> finish(Execution* execution, http::HttpResponse answer);
  void count(const http::HttpResponse& answer);

  Deps deps_;
};

}  // namespace sluice::ingress
