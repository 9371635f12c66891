// Management of pins: which are there, what is different in a quarantined definition, and agreeing
// to it. Part of policy.v1.manage, whose handler has checked that the caller is an admin.
#pragma once

#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/policy_reload.h"
#include "services/policy-engine/ports.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>

namespace sluice::policy_engine {

class ManagePins {
 public:
  struct Deps {
    PinStore* store;  // all outlive it
    PolicyReload* reload;
    CatalogCache* catalogs;
    async::Clock* clock;
  };

  explicit ManagePins(Deps deps) : deps_(deps) {}

  // Errors: Unavailable.
  Async<policy::v1::ManageReply> list(bool quarantined_only);
  // Errors: NotFound, Invalid, Unavailable.
  Async<policy::v1::ManageReply> get(std::string server, std::string tool);
  // In force, in this replica, when it returns; the others stop answering until it is in them.
  // Errors: NotFound, Invalid, Conflict (another definition is offered now), Unavailable.
  Async<policy::v1::ManageReply> approve(
      policy::v1::ManageRequest::ApprovePin asked,
      policy::v1::CallerClaims claims,
      RequestContext context
  );

 private:
  Async<StoredPin> pin_named(std::string server, std::string tool);

  Deps deps_;
};

}  // namespace sluice::policy_engine
