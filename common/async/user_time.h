// UserTime: how long a request kept this process busy: a stopwatch that rests while the request
// waits for others. For the *_request_user_seconds metrics.
#pragma once

#include "common/async/clock.h"

#include <chrono>

namespace sluice::async {

// Runs from its making. run and rest may be called in either state.
class UserTime {
 public:
  explicit UserTime(const Clock* clock) : clock_(clock), since_(clock->now()) {}

  void rest() {
    if (running_) {
      total_ += clock_->now() - since_;
      running_ = false;
    }
  }

  void run() {
    if (!running_) {
      since_ = clock_->now();
      running_ = true;
    }
  }

  // What was gathered, up to now or to the last rest.
  [[nodiscard]] double seconds() const {
    const Duration open = running_ ? clock_->now() - since_ : Duration::zero();
    return std::chrono::duration<double>(total_ + open).count();
  }

 private:
  const Clock* clock_;
  TimePoint since_;
  Duration total_{};
  bool running_ = true;
};

}  // namespace sluice::async
