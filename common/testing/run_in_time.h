// run_in_time: runs one coroutine that waits, on a clock that goes on by itself. For tests.
#pragma once

#include "common/base/check.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_sync.h"

#include <functional>

namespace sluice::testing {

// The clock goes on by step each time nothing is left to do, before_step is called first. Aborts
// when the coroutine throws, or has not ended after a thousand steps.
template <class T>
Result<T> run_in_time(
    boost::asio::io_context& loop,
    ManualClock* clock,
    Async<T> operation,
    Duration step,
    const std::function<void()>& before_step = [] {}
) {
  constexpr int kStepsMax = 1'000;
  std::optional<Result<T>> result;
  boost::asio::co_spawn(
      loop,
      detail::keep<T>(std::move(operation), &result),
      [](const std::exception_ptr& thrown) { SLUICE_CHECK(!thrown, "operations do not throw"); }
  );
  for (int taken = 0; taken < kStepsMax && !result; ++taken) {
    loop.restart();
    loop.poll();
    if (!result) {
      before_step();
      clock->advance(step);
    }
  }
  SLUICE_CHECK(result.has_value(), "the operation ends within a thousand steps of the clock");
  return std::move(*result);
}

}  // namespace sluice::testing
