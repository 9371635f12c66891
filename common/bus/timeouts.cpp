#include "common/bus/timeouts.h"

#include "common/bus/limits.h"

namespace sluice::bus {
namespace {

// Moments close together share a timer.
TimePoint rounded_up(TimePoint when) {
  const Duration step = kTimeoutStep;
  const Duration rest = when.time_since_epoch() % step;
  return rest == Duration::zero() ? when : when + (step - rest);
}

}  // namespace

void Timeouts::set(Timed* timed, TimePoint when) {
  remove(timed);
  timed->place_ = queue_.emplace(when, timed);
  arm();
}

void Timeouts::remove(Timed* timed) {
  if (timed->place_) {
    queue_.erase(*timed->place_);
    timed->place_.reset();
  }
}

void Timeouts::arm() {
  if (firing_ || queue_.empty()) {
    return;
  }
  const TimePoint next = rounded_up(queue_.begin()->first);
  if (timer_ != nullptr && armed_ <= next) {
    return;  // fires early at worst, and looks again
  }
  armed_ = next;
  timer_ = clock_->schedule(next, [this] { fire(); });
}

void Timeouts::fire() {
  timer_.reset();
  armed_ = TimePoint::max();
  firing_ = true;
  const TimePoint now = clock_->now();
  while (!queue_.empty() && queue_.begin()->first <= now) {
    Timed* const timed = queue_.begin()->second;
    remove(timed);
    timed->due(now);
  }
  firing_ = false;
  arm();
}

}  // namespace sluice::bus
