// GET /api/approvals, GET and POST /api/approvals/{id}, GET /api/approvals/events: what waits for
// people, what became of it, and their answers. Nothing is answered by a GET.
//
// Everybody sees their own; the roles approver and admin those of their tenant, and answer them.
// Query of the list: state, limit (200), after. Body of the POST: {"action":"approve"|"deny",
// "reason"?}. Events: "approval_changed" with id, state, server, tool and principal; a lost one is
// repaired by listing. Errors: Invalid, Unauthenticated, Denied, Conflict (takes no more answers),
// Exhausted (streams), Unavailable; 404 approval_not_found.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/approval_feed.h"
#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/http/message.h"

namespace sluice::ingress {

class ApprovalsHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    Approvals* approvals;
    ApprovalFeed* feed;
    async::Clock* clock;
  };

  explicit ApprovalsHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> list(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> get(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> answer(http::HttpRequest request, RequestContext context);
  // Until the client leaves, stop(), or its key is withdrawn.
  Async<void> events(
      http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
