// What the limits of policy have counted. For callers with the role admin.
#pragma once

#include "services/policy-engine/domain/policy_state.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"

namespace sluice::policy_engine {

class LimitOverview {
 public:
  // Both outlive it.
  LimitOverview(CallCounters* counters, async::Clock* clock) : counters_(counters), clock_(clock) {}

  // Every limit in the order of the settings. Errors: Unavailable (Redis does not answer within
  // kLimitListTimeout).
  Async<policy::v1::ManageReply> list(PolicyState::Snapshot loaded);

 private:
  CallCounters* counters_;
  async::Clock* clock_;
};

}  // namespace sluice::policy_engine
