// GET /api/policy, POST /api/policy/reload and POST /api/policy/explain: what the policy in force
// is, taking over the settings file, and why a call gets its verdict. Admins only.
//
// GET: {"policy_version","snapshot_hash","policy":{"preset","servers","rules"},"warnings":[…]}.
// reload, {"dry_run"?}: {"policy_version","snapshot_hash","dry_run","warnings":[…]}; of a dry run
// the hash the file would have.
// explain, {"server","tool","arguments"?,"mode"?,"key_id"?}: {"policy_version","verdict",
// "effect_class","rule","reason","steps":[{"rule","matched","verdict","detail"}]}.
// Errors: Invalid (all faults of the settings, one a line; the body), Unauthenticated, Denied,
// NotFound (no such key), Conflict (the settings are being taken over), Unavailable.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class ManagePolicyHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    PolicyEngine* policy;
  };

  explicit ManagePolicyHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> show(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> reload(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> explain(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
