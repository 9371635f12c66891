// ZygotePlan: how many children to order from a zygote, when to start one again, when to renew it.
// Pure: time is an argument.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include "common/async/clock.h"

#include <cstddef>
#include <cstdint>

namespace sluice::codemode_runner {

class ZygotePlan {
 public:
  explicit ZygotePlan(std::size_t idle_wanted, std::uint64_t children_max = kChildrenPerZygote)
      : idle_wanted_(idle_wanted), children_max_(children_max) {}

  // Children to order now: so many that waiting runs are served and the idle ones are complete.
  [[nodiscard]] std::size_t to_order(std::size_t idle, std::size_t pending, std::size_t waiting)
      const;

  void ordered(std::size_t count) { ordered_ += count; }

  // The zygote has forked its share: another one is to be started beside it.
  [[nodiscard]] bool used_up() const { return ordered_ >= children_max_; }

  // When to start the next one after a death; each death without a warm zygote in between doubles
  // the wait.
  [[nodiscard]] TimePoint restart_at(TimePoint died);
  // A fresh zygote is warm.
  void warm();

 private:
  std::size_t idle_wanted_;
  std::uint64_t children_max_;
  std::uint64_t ordered_ = 0;
  std::chrono::milliseconds wait_ = kRestartWaitMin;
};

}  // namespace sluice::codemode_runner
