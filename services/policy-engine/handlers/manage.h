// Management of policy: what is loaded, taking over the settings file as it is now, why a call gets
// its verdict, keys, and what limits have counted. For callers with the role admin.
//
// Errors: Unauthenticated, Denied (not an admin), Invalid (no operation; faults of the settings,
// one a line; arguments that are no JSON object), NotFound (no such key), Conflict (the settings
// are being taken over), Unavailable (Postgres, policy not loaded, catalog); of keys those of
// manage_keys.h.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/policy_reload.h"
#include "services/policy-engine/handlers/manage_keys.h"
#include "services/policy-engine/handlers/manage_limits.h"
#include "services/policy-engine/handlers/manage_pins.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class ManageHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    PolicyReload* reload;
    CatalogCache* catalogs;
    const PolicyState* policy;
    LimitOverview* limits;
    async::Clock* clock;
    ManageKeys* keys;
    ManagePins* pins;
  };

  explicit ManageHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::ManageReply> operator()(
      policy::v1::ManageRequest request, RequestContext context
  );

 private:
  [[nodiscard]] Result<policy::v1::ManageReply> show() const;
  Async<policy::v1::ManageReply> reload(
      bool dry_run, policy::v1::CallerClaims claims, RequestContext context
  );
  Async<policy::v1::ManageReply> explain(
      policy::v1::ManageRequest::Explain asked, VerifiedCaller caller, RequestContext context
  );

  Deps deps_;
};

}  // namespace sluice::policy_engine
