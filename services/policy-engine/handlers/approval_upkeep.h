// Upkeep of approvals, by every replica: ends those whose time is over, and publishes the audit
// records that wait in Postgres.
//
// A record is published once, unless the replica dies between publishing and removing it: then
// another publishes it again under its event id, and audit-writer keeps the first.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/audit/client.h"
#include "common/observability/log.h"

namespace sluice::policy_engine {

class ApprovalUpkeep {
 public:
  struct Deps {
    ApprovalStore* store;  // all outlive it
    ApprovalEvents* events;
    audit::Client* audit;
    async::Clock* clock;
    observability::Log* log;
  };

  explicit ApprovalUpkeep(Deps deps) : deps_(deps) {}

  // Until cancelled. Errors: Cancelled.
  Async<void> run();

  // Publishes all records there are. Errors: those of the store, Unavailable (audit outbox full).
  Async<void> drain();
  // Ends and forgets what is due. Errors: those of the store.
  Async<void> sweep();

 private:
  // Ends with Cancelled only.
  Async<void> attempt(Async<void> work);

  Deps deps_;
};

}  // namespace sluice::policy_engine
