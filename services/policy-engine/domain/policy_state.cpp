#include "services/policy-engine/domain/policy_state.h"

#include "services/policy-engine/limits.h"

namespace sluice::policy_engine {

Async<PolicyState::Snapshot> PolicyState::caught_up(async::Clock* clock, TimePoint deadline) const {
  if (is_behind()) {
    const TimePoint last = std::min(deadline, clock->now() + kBehindMax);
    while (is_behind() && clock->now() + kTakeOverInterval < last) {
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock, kTakeOverInterval));
    }
  }
  co_return current();
}

}  // namespace sluice::policy_engine
