// UserTime: how long a request kept this process busy: a stopwatch that rests while the request
// waits for others.
#pragma once

#include "common/async/clock.h"

#include <chrono>

namespace sluice::ingress {

// Runs from its making. run and rest may be called in either state.
class UserTime {
 public:
  explicit UserTime(const async::Clock* clock) : clock_(clock), since_(clock->now()) {}

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

  // What was gathered up to the last rest.
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(total_).count(); }

 private:
  const async::Clock* clock_;
  TimePoint since_;
  Duration total_{};
  bool running_ = true;
};

}  // namespace sluice::ingress
