// Clock: the only source of time and of timers. Tests use testing::ManualClock.
#pragma once

#include "common/async/async.h"
#include "common/async/unique_function.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace sluice {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

namespace async {

// A callback waiting for its time. Destroying it takes the callback back.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  Timer(Timer&&) = delete;
  Timer& operator=(Timer&&) = delete;
  virtual ~Timer() = default;
};

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  Clock(Clock&&) = delete;
  Clock& operator=(Clock&&) = delete;
  virtual ~Clock() = default;

  // Monotonic; for deadlines and durations.
  [[nodiscard]] virtual TimePoint now() const = 0;
  // Wall clock in milliseconds since 1970 UTC; for records and signed times only.
  [[nodiscard]] virtual std::int64_t unix_ms() const = 0;
  // Runs the callback on the shard's thread at or after the time, unless the Timer is destroyed
  // before.
  [[nodiscard]] virtual std::unique_ptr<Timer> schedule(
      TimePoint when, UniqueFunction<void()> callback
  ) = 0;
};

// The machine's clocks, with timers on the given executor.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(Executor executor);

  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] std::int64_t unix_ms() const override;
  [[nodiscard]] std::unique_ptr<Timer> schedule(TimePoint when, UniqueFunction<void()> callback)
      override;

 private:
  Executor executor_;
};

// Errors: Cancelled.
Async<void> sleep_until(Clock* clock, TimePoint when);
Async<void> sleep_for(Clock* clock, Duration duration);

}  // namespace async
}  // namespace sluice
