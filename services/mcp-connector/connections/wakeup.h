// Wakeup: lets one coroutine sleep until a time or until somebody raises it, whichever comes first.
// Single thread.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"

#include <utility>

namespace sluice::mcp_connector {

class Wakeup {
 public:
  // Wakes the sleeper, or lets the next sleep end at once.
  void raise() {
    raised_ = true;
    if (sleeper_ != nullptr) {
      std::exchange(sleeper_, nullptr)->set({});
    }
  }

  // One sleeper at a time. Errors: Cancelled.
  Async<void> sleep_until(async::Clock* clock, TimePoint when) {
    if (std::exchange(raised_, false)) {
      co_return Result<void>();
    }
    async::OneShot<void> woken;
    sleeper_ = &woken;
    const auto timer = clock->schedule(when, [&woken] { woken.set({}); });
    const auto result = co_await woken.wait();
    sleeper_ = nullptr;
    raised_ = false;
    co_return result;
  }

 private:
  bool raised_ = false;
  async::OneShot<void>* sleeper_ = nullptr;
};

}  // namespace sluice::mcp_connector
