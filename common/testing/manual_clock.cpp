#include "common/testing/manual_clock.h"

#include <algorithm>
#include <utility>

namespace sluice::testing {

// Finds its entry by address of a token, since running the entry takes it out of the queue.
class ManualClock::ManualTimer final : public async::Timer {
 public:
  ManualTimer(std::weak_ptr<Queue> queue, std::shared_ptr<bool> wanted)
      : queue_(std::move(queue)), wanted_(std::move(wanted)) {}

  ~ManualTimer() override { *wanted_ = false; }

 private:
  std::weak_ptr<Queue> queue_;
  std::shared_ptr<bool> wanted_;
};

std::unique_ptr<async::Timer> ManualClock::schedule(
    TimePoint when, async::UniqueFunction<void()> callback
) {
  auto wanted = std::make_shared<bool>(true);
  due_->emplace(when, [wanted, callback = std::move(callback)]() mutable {
    if (*wanted) {
      auto due = std::move(callback);
      due();
    }
  });
  return std::make_unique<ManualTimer>(due_, std::move(wanted));
}

void ManualClock::advance(Duration by) {
  const TimePoint end = now_ + by;
  while (!due_->empty() && due_->begin()->first <= end) {
    auto next = due_->extract(due_->begin());
    now_ = std::max(now_, next.key());
    next.mapped()();
  }
  now_ = end;
}

}  // namespace sluice::testing
