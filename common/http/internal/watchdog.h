// One coarse timer for many connections: armed for the earliest deadline, it asks the owner to look
// at all of them.
#pragma once

#include "common/async/clock.h"

#include <memory>

namespace sluice::http {

class Watchdog {
 public:
  // Ends what is overdue; answers the earliest deadline left, or TimePoint::max().
  using Sweep = async::UniqueFunction<TimePoint(TimePoint now)>;

  Watchdog(async::Clock* clock, Sweep sweep) : clock_(clock), sweep_(std::move(sweep)) {}

  // A deadline came up. Later ones cost nothing: they are seen when the earlier one falls due.
  void arm(TimePoint when) {
    if (when < armed_) {
      armed_ = when;
      timer_ = clock_->schedule(when, [this] { fire(); });
    }
  }

 private:
  static constexpr std::chrono::milliseconds kGrain{10};  // at most a hundred sweeps a second

  void fire() {
    armed_ = TimePoint::max();
    const TimePoint now = clock_->now();
    const TimePoint next = sweep_(now);
    if (next != TimePoint::max()) {
      arm(std::max(next, now + kGrain));
    }
  }

  async::Clock* clock_;
  Sweep sweep_;
  TimePoint armed_ = TimePoint::max();
  std::unique_ptr<async::Timer> timer_;
};

}  // namespace sluice::http
