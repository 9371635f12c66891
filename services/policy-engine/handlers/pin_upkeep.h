// Upkeep of pins, by every replica: approvals of tools that are quarantined become void.
#pragma once

#include "services/policy-engine/domain/pin_book.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

namespace sluice::policy_engine {

class PinUpkeep {
 public:
  struct Deps {
    ApprovalStore* approvals;  // all outlive it
    ApprovalEvents* events;
    PinBook* pins;
    const PolicyState* policy;
    async::Clock* clock;
    observability::Log* log;
  };

  explicit PinUpkeep(Deps deps) : deps_(deps) {}

  // Until cancelled: within kPinUpkeepInterval of a quarantine that this replica noted, and every
  // kApprovalSweepInterval for those that others did not live to follow up. Errors: Cancelled.
  Async<void> run();

  // Makes void what is to be. Errors: those of the store.
  Async<void> sweep();

 private:
  Deps deps_;
};

}  // namespace sluice::policy_engine
