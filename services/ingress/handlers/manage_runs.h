// GET /api/runs, GET /api/runs/{id}, POST /api/runs/{id}/cancel: runs of scripts of the last day. A
// caller has its own, an admin those of its tenant.
//
// GET /api/runs?limit=: {"runs":[…]}, short forms, newest first. GET of one: its document
// (services/codemode-sandbox/README.md). POST …/cancel, without a body or with {}: the document, in
// which the run has ended; 202 where it is still ending.
// Errors: Invalid, Unauthenticated, NotFound (run_not_found), Conflict (run_ended: it has ended
// before), Unavailable (codemode-sandbox or Redis does not answer).
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class ManageRunsHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    ScriptRuns* runs;
  };

  explicit ManageRunsHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> list(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> get(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> cancel(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
