// GET /api/policy, POST /api/policy/reload, POST /api/policy/explain and GET /api/limits: what the
// policy in force is, taking over the settings file, why a call gets its verdict, and what limits
// have counted. Admins only.
//
// GET: {"policy_version","snapshot_hash","policy":{"preset","servers","rules"},"warnings":[…]}.
// reload, {"dry_run"?}: {"policy_version","snapshot_hash","dry_run","warnings":[…]}; of a dry run
// the hash the file would have.
// explain, {"server","tool","arguments"?,"mode"?,"key_id"?}: {"policy_version","verdict",
// "effect_class","rule","reason","steps":[{"rule","matched","verdict","detail"}]}.
// limits: {"policy_version","limits":[{"id","counters":[{"subject","counts","taken","of",
// "frees_at"?}]}]}; counts: "calls" or "at_once"; the fullest first, without empty ones.
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
  Async<http::HttpResponse> limits(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
