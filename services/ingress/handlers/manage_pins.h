// GET /api/pins, GET and POST /api/pins/{server}?tool=<name>: which definitions of tools are agreed
// to, what is different in a quarantined one, and agreeing to it. Admins only.
//
// A pin: {"server","tool","quarantined","pinned_hash","pinned_by","pinned_at","offered_hash",
// "offered_at","confusable_with":["<server>-<tool>",…]}; what there is not is null.
// GET /api/pins, ?quarantined=true: {"pins":[…]}.
// GET of one: the pin with "differences":[{"pointer","pinned","offered"}] and "warnings":[…].
// pinned and offered are texts of JSON, in which what does not show is an escape; null: not there.
// POST {"definition_hash":"<the offered_hash, 64 hexadecimal digits>","approve":true}: the pin.
// Errors: Invalid, Unauthenticated, Denied, NotFound, Conflict (another definition is offered now),
// Unavailable.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class ManagePinsHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    PolicyEngine* policy;
  };

  explicit ManagePinsHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> list(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> get(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> approve(http::HttpRequest request, RequestContext context);

 private:
  // The reply's one pin, in full.
  Async<http::HttpResponse> one(policy::v1::ManageRequest operation, RequestContext context);

  Deps deps_;
};

}  // namespace sluice::ingress
