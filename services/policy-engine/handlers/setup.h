// The first admin key of a gateway that has none: at the start one of the replicas makes a setup
// token and prints it, once, and policy.setup turns it into a key, once.
//
// Errors of a request: Unauthenticated (not the token), Conflict (used, or somebody can manage
// already), Exhausted (more than kSetupAttemptsPerSecondMax a second), Unavailable (Postgres).
// Refused attempts leave an auth.refused record.
#pragma once

#include "services/policy-engine/domain/policy_reload.h"
#include "services/policy-engine/ports.h"

#include "common/async/request_context.h"
#include "common/audit/client.h"
#include "common/observability/log.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class SetupHandler {
 public:
  struct Deps {
    PolicyStore* store;  // all outlive the handler
    PolicyReload* reload;
    const PolicyState* policy;
    async::Clock* clock;
    observability::Log* log;
    audit::Client* audit;
  };

  explicit SetupHandler(Deps deps) : deps_(deps), second_began_(deps.clock->now()) {}

  // At the start, with the policy loaded: makes and prints a token where nobody can manage and none
  // was made before.
  Async<void> offer();

  Async<policy::v1::SetupReply> operator()(
      policy::v1::SetupRequest request, RequestContext context
  );

 private:
  [[nodiscard]] bool has_room();
  Async<policy::v1::SetupReply> set_up(std::string token, RequestContext context);
  Result<void> record_refusal(
      const Error& error, const std::string& source_address, const RequestContext& context
  );

  Deps deps_;
  TimePoint second_began_;
  int attempts_ = 0;
};

}  // namespace sluice::policy_engine
