// Takes somebody's answer to an approval. For the roles approver and admin of its tenant.
//
// Errors: Unauthenticated, Invalid (reason too long), Denied (role; the requester's own approval),
// NotFound, Conflict (it takes no more answers), Unavailable, Deadline.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

namespace sluice::policy_engine {

class ApprovalsAnswerHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    ApprovalStore* store;
    ApprovalEvents* events;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
  };

  explicit ApprovalsAnswerHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::AnswerApprovalReply> operator()(
      policy::v1::AnswerApprovalRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::policy_engine
