#include "services/codemode-sandbox/runner/supervisor/busy_children.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include <algorithm>

namespace sluice::codemode_runner {

void BusyChildren::began(ChildId child, TimePoint now) {
  children_[child] = {.look_at = now + kLookEvery, .wait = kLookEvery};
}

void BusyChildren::stirred(ChildId child, TimePoint now) {
  const auto found = children_.find(child);
  if (found != children_.end() && found->second.look_at > now + kLookEvery) {
    found->second.look_at = now + kLookEvery;
    found->second.wait = kLookEvery;
  }
}

std::vector<ChildId> BusyChildren::due(TimePoint now) const {
  std::vector<ChildId> all;
  for (const auto& [id, child] : children_) {
    if (child.look_at <= now) {
      all.push_back(id);
    }
  }
  return all;
}

TimePoint BusyChildren::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [id, child] : children_) {
    next = std::min(next, child.look_at);
  }
  return next;
}

bool BusyChildren::looked(
    ChildId id, std::optional<std::chrono::microseconds> used, TimePoint now
) {
  const auto found = children_.find(id);
  if (found == children_.end()) {
    return false;
  }
  if (!used || *used >= kBusyAfter) {
    children_.erase(found);
    return used.has_value();
  }
  Child& child = found->second;
  child.wait =
      *used > child.used ? Duration(kLookEvery) : std::min(2 * child.wait, Duration(kLookSeldom));
  child.used = *used;
  child.look_at = now + child.wait;
  return false;
}

}  // namespace sluice::codemode_runner
