// Management of policy: what is loaded, and making it the newest. For callers with the role admin.
//
// Errors: Unauthenticated, Denied (not an admin), Invalid (no operation), Unavailable (Postgres,
// policy not loaded).
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/version_binding.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class ManageHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    VersionBinding* binding;
    const PolicyState* policy;
    async::Clock* clock;
  };

  explicit ManageHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::ManageReply> operator()(
      policy::v1::ManageRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::policy_engine
