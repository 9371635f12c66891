// One approval: of the caller's tenant for the roles approver and admin, else of the caller.
//
// Errors: Unauthenticated, NotFound (also: not to be seen by this caller), Unavailable, Deadline.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"

namespace sluice::policy_engine {

class ApprovalsGetHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    ApprovalStore* store;
    async::Clock* clock;
  };

  explicit ApprovalsGetHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::GetApprovalReply> operator()(
      policy::v1::GetApprovalRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::policy_engine
