// ManualClock: time that moves only when a test says so. Timers that fall due run inside advance().
#pragma once

#include "common/async/clock.h"

#include <map>
#include <memory>

namespace sluice::testing {

class ManualClock final : public async::Clock {
 public:
  // Wall time starts at 2026-01-02T03:04:05Z.
  ManualClock() = default;

  [[nodiscard]] TimePoint now() const override { return now_; }

  [[nodiscard]] std::int64_t unix_ms() const override {
    return kStartUnixMs +
           std::chrono::duration_cast<std::chrono::milliseconds>(now_ - TimePoint{}).count();
  }

  [[nodiscard]] std::unique_ptr<async::Timer> schedule(
      TimePoint when, async::UniqueFunction<void()> callback
  ) override;

  // Runs what falls due, in order of time.
  void advance(Duration by);

  [[nodiscard]] std::size_t timers() const { return due_->size(); }

 private:
  static constexpr std::int64_t kStartUnixMs = 1767323045000;
  using Queue = std::multimap<TimePoint, async::UniqueFunction<void()>>;
  class ManualTimer;

  TimePoint now_{std::chrono::hours(1000)};
  std::shared_ptr<Queue> due_ = std::make_shared<Queue>();
};

}  // namespace sluice::testing
