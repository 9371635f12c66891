// BusyChildren: which children have computed so long that others are to go first. Asks to look at
// what each has used, often while it computes, seldom while it waits. Pure: time and what was used
// are arguments.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/ports.h"

#include "common/async/clock.h"

#include <chrono>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sluice::codemode_runner {

class BusyChildren {
 public:
  // It was given its script.
  void began(ChildId child, TimePoint now);
  // A message came from it or went to it: if it waited, it may compute now.
  void stirred(ChildId child, TimePoint now);

  void ended(ChildId child) { children_.erase(child); }

  // Whom to look at now; looked() tells of each.
  [[nodiscard]] std::vector<ChildId> due(TimePoint now) const;
  [[nodiscard]] TimePoint next_deadline() const;

  // used: what it has computed since its fork, nothing when it is gone. True, once: it is busy, and
  // is not looked at again.
  [[nodiscard]] bool looked(
      ChildId child, std::optional<std::chrono::microseconds> used, TimePoint now
  );

 private:
  struct Child {
    TimePoint look_at;
    Duration wait{0};  // before look_at
    std::chrono::microseconds used{0};
  };

  std::unordered_map<ChildId, Child> children_;
};

}  // namespace sluice::codemode_runner
