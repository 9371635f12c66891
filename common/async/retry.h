// Retries: the code says if, the policy how often and how far apart, one deadline ends it.
#pragma once

#include "common/async/clock.h"

#include <algorithm>
#include <functional>
#include <random>

namespace sluice::async {

struct RetryPolicy {
  int attempts_max = 3;
  std::chrono::milliseconds first_wait{100};
  std::chrono::milliseconds wait_max{5000};
  double multiplier = 2.0;
  double jitter = 0.2;  // share of each wait that is random, 0 … 1
};

// The waits between attempts, one after the other.
class Backoff {
 public:
  // seed: from an injected generator, so that replicas do not move in step.
  Backoff(RetryPolicy policy, std::uint64_t seed);

  // The wait before the next attempt; grows up to wait_max.
  [[nodiscard]] std::chrono::milliseconds next();
  // After a success.
  void reset();

 private:
  RetryPolicy policy_;
  std::mt19937_64 generator_;
  double wait_ms_;
};

// True for Unavailable and Exhausted: the only codes another attempt may cure.
[[nodiscard]] bool is_retryable(Code code);

// Runs attempt() until it succeeds, fails with a code that is not retryable, or attempts or time
// are used up; then the last error. attempt starts a fresh operation each time it is called.
template <class T>
Async<T> retry(
    Clock* clock,
    TimePoint deadline,
    RetryPolicy policy,
    std::uint64_t seed,
    std::function<Async<T>()> attempt
) {
  Backoff backoff(policy, seed);
  for (int left = std::max(policy.attempts_max, 1);; --left) {
    Result<T> result = co_await attempt();
    if (result.ok() || left <= 1 || !is_retryable(result.error().code())) {
      co_return result;
    }
    auto wait = backoff.next();
    wait = std::max(wait, result.error().retry_after().value_or(std::chrono::milliseconds(0)));
    if (clock->now() + wait >= deadline) {
      co_return result;
    }
    SLUICE_CO_CHECK_OK(co_await sleep_for(clock, wait));
  }
}

}  // namespace sluice::async
