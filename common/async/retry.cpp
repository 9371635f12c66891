#include "common/async/retry.h"

namespace sluice::async {

Backoff::Backoff(RetryPolicy policy, std::uint64_t seed)
    : policy_(policy), generator_(seed), wait_ms_(static_cast<double>(policy.first_wait.count())) {}

std::chrono::milliseconds Backoff::next() {
  const double steady = wait_ms_ * (1.0 - policy_.jitter);
  std::uniform_real_distribution<double> random(0.0, wait_ms_ * policy_.jitter);
  const auto wait =
      std::chrono::milliseconds(static_cast<std::int64_t>(steady + random(generator_)));
  wait_ms_ = std::min(wait_ms_ * policy_.multiplier, static_cast<double>(policy_.wait_max.count()));
  return wait;
}

void Backoff::reset() {
  wait_ms_ = static_cast<double>(policy_.first_wait.count());
}

bool is_retryable(Code code) {
  return code == Code::Unavailable || code == Code::Exhausted;
}

}  // namespace sluice::async
