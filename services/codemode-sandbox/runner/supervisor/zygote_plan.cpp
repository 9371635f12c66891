#include "services/codemode-sandbox/runner/supervisor/zygote_plan.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_runner {

std::size_t ZygotePlan::to_order(std::size_t idle, std::size_t pending, std::size_t waiting) const {
  const std::size_t wanted = idle_wanted_ + waiting;
  const std::size_t there = idle + pending;
  const std::size_t room = kSpawnsPendingMax - std::min(pending, kSpawnsPendingMax);
  return there >= wanted ? 0 : std::min(wanted - there, room);
}

TimePoint ZygotePlan::restart_at(TimePoint died) {
  const auto wait = std::exchange(wait_, std::min(2 * wait_, kRestartWaitMax));
  return died + wait;
}

void ZygotePlan::warm() {
  ordered_ = 0;
  wait_ = kRestartWaitMin;
}

}  // namespace sluice::codemode_runner
