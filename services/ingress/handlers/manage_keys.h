// /api/keys and /api/keys/{id}: the virtual keys of callers. Admins only.
//
// GET: {"keys":[…]} of file and API, with the newest revoked ones, or one key. POST makes one: 201
// with its text as "key", told this once. PUT takes the place of what it may do. DELETE revokes it.
// A change is in force when it is answered. Forms: domain/key_form.h. Errors: Invalid (all faults,
// one a line), Unauthenticated, Denied, NotFound, Conflict (a key of the settings file, a used id,
// the last admin key, too many), Unavailable.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class ManageKeysHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    PolicyEngine* policy;
  };

  explicit ManageKeysHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> list(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> get(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> create(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> update(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> revoke(http::HttpRequest request, RequestContext context);

 private:
  Async<policy::v1::ManageReply> ask(policy::v1::ManageRequest operation, RequestContext context);

  Deps deps_;
};

}  // namespace sluice::ingress
