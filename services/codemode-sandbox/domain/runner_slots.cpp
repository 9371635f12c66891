#include "services/codemode-sandbox/domain/runner_slots.h"

#include <algorithm>

namespace sluice::codemode_sandbox {

void RunnerSlots::Peer::tell_free(std::uint32_t told) {
  const std::size_t ours = runs.size() - parked.size();
  free = std::min(told, slots - static_cast<std::uint32_t>(std::min<std::size_t>(ours, slots)));
}

void RunnerSlots::Peer::take(const std::string& run) {
  --free;
  runs.insert(run);
}

void RunnerSlots::Peer::give_back(const std::string& run) {
  const bool took_a_slot = runs.contains(run) && !parked.contains(run);
  forget(run);
  free = std::min(free + (took_a_slot ? 1 : 0), slots);
}

void RunnerSlots::Peer::forget(const std::string& run) {
  runs.erase(run);
  parked.erase(run);
}

void RunnerSlots::Peer::park(const std::string& run, bool now_parked) {
  if (now_parked) {
    parked.insert(run);
    free = std::min(free + 1, slots);
  } else {
    parked.erase(run);
    free -= std::min(free, 1U);
  }
}

RunnerSlots::Peer* RunnerSlots::find(const std::string& peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second;
}

RunnerSlots::Peer* RunnerSlots::best(const std::set<std::string>& refusers, std::string* peer) {
  Peer* best = nullptr;
  bool second_choice = true;
  for (auto& [name, it] : peers_) {
    const bool refused = refusers.contains(name);
    if (it.free == 0 || (refused && !second_choice)) {
      continue;
    }
    if (best == nullptr || (second_choice && !refused) || it.free > best->free) {
      best = &it;
      *peer = name;
      second_choice = refused;
    }
  }
  return best;
}

std::uint32_t RunnerSlots::free() const {
  std::uint32_t free = 0;
  for (const auto& [name, it] : peers_) {
    free += it.free;
  }
  return free;
}

}  // namespace sluice::codemode_sandbox
