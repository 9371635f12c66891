// POST /api/setup, with the setup token that policy-engine printed as "Authorization: Bearer":
// makes the first admin key of a gateway that has none, once. 201 with the key, as of POST
// /api/keys.
//
// Errors: Unauthenticated (no token, or not that one), Conflict (used, or somebody can manage
// already), Exhausted, Unavailable (also: the audit outbox is full).
#pragma once

#include "services/ingress/setup_port.h"

#include "common/audit/client.h"
#include "common/http/message.h"

namespace sluice::ingress {

class SetupHandler {
 public:
  struct Deps {
    SetupPort* policy;  // all outlive the handler
    audit::Client* audit;
  };

  explicit SetupHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
