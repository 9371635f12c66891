// The part of policy.manage that is about keys: listing those of file and store, making, changing
// and revoking stored ones. A change is in force, here and told to all replicas, when it is
// answered.
//
// Errors: Invalid (every fault of the key, one a line), NotFound, Conflict (as of key_change.h),
// Exhausted (more keys than one reply carries), Unavailable (Postgres; the change is stored, but
// not in force yet).
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/policy_reload.h"
#include "services/policy-engine/ports.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class ManageKeys {
 public:
  struct Deps {
    PolicyStore* store;  // all outlive it
    PolicyReload* reload;
    const PolicyState* policy;
    async::Clock* clock;
    observability::Log* log;
  };

  explicit ManageKeys(Deps deps) : deps_(deps) {}

  // The caller is an admin.
  Async<policy::v1::ManageReply> list();
  Async<policy::v1::ManageReply> create(
      policy::v1::VirtualKey key, VerifiedCaller caller, RequestContext context
  );
  Async<policy::v1::ManageReply> update(
      policy::v1::VirtualKey key, VerifiedCaller caller, RequestContext context
  );
  Async<policy::v1::ManageReply> revoke(
      std::string id, VerifiedCaller caller, RequestContext context
  );

 private:
  Async<policy::v1::ManageReply> change(KeyTransition transition);

  Deps deps_;
};

}  // namespace sluice::policy_engine
