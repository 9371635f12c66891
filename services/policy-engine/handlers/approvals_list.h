// Approvals, newest first: those of the caller's tenant for the roles approver and admin, else the
// caller's own.
//
// Errors: Unauthenticated, Invalid (limit, state), Unavailable, Deadline.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"

namespace sluice::policy_engine {

class ApprovalsListHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    ApprovalStore* store;
    async::Clock* clock;
  };

  explicit ApprovalsListHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::ListApprovalsReply> operator()(
      policy::v1::ListApprovalsRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::policy_engine
