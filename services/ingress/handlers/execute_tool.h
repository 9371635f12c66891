// POST /v1/mcp/tool/execute: runs one tool call that a model suggested, or that the caller made up,
// under a grant of policy-engine. One OpenAI tool call in, one tool message out.
//
// Executing it again is answered from the trail (x-sluice-replayed: true; ToolExecution). Errors:
// Invalid, Unauthenticated, Unavailable, Deadline, NotFound (no such tool; near names are named).
// Answers with a code of their own: 403 tool_denied, 403 approval_required, 409 in_progress, 409
// outcome_unknown, 503 not_carried_out.
//
// The meta-tools (code_tool.h) are not a server's: they go to codemode-sandbox (CodeExecution).
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/code_execution.h"
#include "services/ingress/domain/tool_call.h"
#include "services/ingress/domain/tool_execution.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"
#include "common/observability/metrics.h"

#include <cstdint>

namespace sluice::ingress {

class ExecuteToolHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    CatalogSource* catalog;
    ChainFinder* chains;
    ToolExecution* tools;
    CodeExecution* code;
    Trail* trail;
    audit::Client* audit;
    observability::Metrics* metrics;
  };

  explicit ExecuteToolHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  // An execution, and how its answer is written.
  struct Request {
    Execution execution;
    CallFormat format = CallFormat::Chat;
    std::uint32_t last_hop = 0;  // of a script's run
  };

  Async<http::HttpResponse> execute(Request* request);
  Async<http::HttpResponse> run_code(Request* request, Narrowing narrowing);
  Async<http::HttpResponse> read_code(Request* request, Narrowing narrowing);
  Async<http::HttpResponse> finish(Request* request, http::HttpResponse answer);
  void count(const http::HttpResponse& answer);

  Deps deps_;
};

}  // namespace sluice::ingress
