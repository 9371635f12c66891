// Decides a batch of tool calls and other MCP requests; grants for those that may run now. One
// policy.decision record per call is in the outbox before the answer. Or decides what a script can
// call before it runs, with one policy.script record, and signs its run token. Waits for Postgres
// only where a call needs an approval or comes with one, for Redis only where a limit counts one.
//
// Errors: Unauthenticated, Invalid (check_request), Unavailable (policy not loaded, catalog cannot
// be fetched, approvals or counters cannot be reached, audit outbox full), Deadline. A refusal is a
// normal reply with verdict DENY, not an error.
#pragma once

#include "services/policy-engine/domain/approval_gate.h"
#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/limit_gate.h"

#include "common/audit/client.h"
#include "common/crypto/ed25519.h"
#include "common/observability/metrics.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class DecideHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    CatalogCache* catalogs;
    LimitGate* limits;
    ApprovalGate* approvals;
    const crypto::PrivateKey* grant_key;
    const crypto::PrivateKey* token_key;  // signs run tokens
    audit::Client* audit;
    async::Clock* clock;
    observability::Metrics* metrics;
  };

  explicit DecideHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::DecideReply> operator()(
      policy::v1::DecideRequest request, RequestContext context
  );

 private:
  Async<policy::v1::DecideReply> calls(policy::v1::DecideRequest request, RequestContext context);
  Async<policy::v1::DecideReply> script(policy::v1::DecideRequest request, RequestContext context);
  // taken: also when this fails.
  Async<policy::v1::DecideReply> decide(const Batch* batch, TakenPlaces* taken);

  Deps deps_;
};

}  // namespace sluice::policy_engine
