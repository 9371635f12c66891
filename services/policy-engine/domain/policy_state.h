// PolicyState: the policy this replica has loaded, and whether it may still answer with it. Single
// thread.
#pragma once

#include "services/policy-engine/domain/policy.h"

#include "common/async/async.h"
#include "common/async/clock.h"
#include "common/base/result.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::policy_engine {

// A replica that has heard of a higher version than its own answers nothing until it has loaded
// that one.
class PolicyState {
 public:
  using Snapshot = std::shared_ptr<const LoadedPolicy>;

  void load(Snapshot policy) {
    loaded_ = std::move(policy);
    heard(loaded_->version);
  }

  // From a beat or a caller token.
  void heard(std::uint64_t version) { highest_ = std::max(highest_, version); }

  [[nodiscard]] bool is_behind() const { return loaded_ != nullptr && loaded_->version < highest_; }

  // What is loaded, also when it is behind; null before the first load.
  [[nodiscard]] const Snapshot& loaded() const { return loaded_; }

  // When it is no longer behind: it hears of a new version moments before it has loaded it. At most
  // until deadline, and kBehindMax. Errors: Unavailable (nothing loaded; still behind), Cancelled.
  [[nodiscard]] Async<Snapshot> caught_up(async::Clock* clock, TimePoint deadline) const;

  // Errors: Unavailable (nothing loaded, or behind).
  [[nodiscard]] Result<Snapshot> current() const {
    if (loaded_ == nullptr || is_behind()) {
      return Error(
          Code::Unavailable, "this policy-engine has not loaded the newest policy; try again"
      );
    }
    return loaded_;
  }

 private:
  Snapshot loaded_;
  std::uint64_t highest_ = 0;
};

}  // namespace sluice::policy_engine
