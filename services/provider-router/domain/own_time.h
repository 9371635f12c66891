// OwnTime: the time a request spent in this service's own code, without its waits.
#pragma once

#include "common/async/clock.h"

namespace sluice::provider_router {

// Runs from its construction. Call pause() before a wait and resume() after it.
class OwnTime {
 public:
  explicit OwnTime(const async::Clock* clock) : clock_(clock), since_(clock->now()) {}

  void pause() {
    if (running_) {
      total_ += clock_->now() - since_;
      running_ = false;
    }
  }

  void resume() {
    since_ = clock_->now();
    running_ = true;
  }

  [[nodiscard]] double seconds() const {
    const Duration open = running_ ? clock_->now() - since_ : Duration::zero();
    return std::chrono::duration<double>(total_ + open).count();
  }

 private:
  const async::Clock* clock_;
  TimePoint since_;
  Duration total_{};
  bool running_ = true;
};

}  // namespace sluice::provider_router
