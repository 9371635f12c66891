// ApprovalGate: what of a decided request waits for people, and what they have approved. Asks for
// approvals and spends them. Single thread.
#pragma once

#include "services/policy-engine/domain/decide_batch.h"
#include "services/policy-engine/domain/limit_gate.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// Errors of all: Unavailable (Postgres or audit-writer does not answer within kApprovalTimeout;
// Redis, where a limit counts the call): nothing is decided without them.
class ApprovalGate {
 public:
  struct Deps {
    ApprovalStore* store;  // all outlive the gate
    GrantUses* grant_uses;
    ApprovalEvents* events;
    LimitGate* limits;
    async::Clock* clock;
    observability::Log* log;
  };

  explicit ApprovalGate(Deps deps) : deps_(deps) {}

  // The reply of decide_batch() with approvals in it: a call that needs one gets its id; one that
  // comes with one gets its grant, or why not. A script's call that was approved needs no id: its
  // script is executed again as a whole. What a limit refused stays refused, and its approval
  // unused. batch and taken, which is LimitGate's, outlive the call. At once where no call is about
  // approvals.
  Async<policy::v1::DecideReply> apply(
      const Batch* batch, policy::v1::DecideReply reply, TakenPlaces* taken
  );

 private:
  // Errors besides: none. The result: which calls of scripts have their approval already.
  Async<std::vector<int>> ask(const Batch* batch, policy::v1::DecideReply* reply);
  Async<void> spend(const Batch* batch, int index, policy::v1::Decision* decision);
  Async<Used> use_of(std::string approval_id, ApprovalUse use);
  Async<bool> void_grant(std::string grant_id, RequestContext context);
  [[nodiscard]] TimePoint deadline_of(const Batch& batch) const;

  Deps deps_;
};

}  // namespace sluice::policy_engine
