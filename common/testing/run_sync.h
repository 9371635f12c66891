// run_sync: runs one coroutine to its end on a private loop and returns its result. For tests.
#pragma once

#include "common/async/async.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>

namespace sluice::testing {

namespace detail {

template <class T>
async::Plain<void> keep(Async<T> operation, std::optional<Result<T>>* out) {
  out->emplace(co_await std::move(operation));
}

}  // namespace detail

// Aborts when the loop runs dry before the coroutine ended: it waits for something nobody will do.
template <class T>
Result<T> run_sync(boost::asio::io_context& loop, Async<T> operation) {
  std::optional<Result<T>> result;
  std::exception_ptr thrown;
  bool done = false;
  boost::asio::co_spawn(
      loop,
      detail::keep<T>(std::move(operation), &result),
      [&thrown, &done](std::exception_ptr exception) {
        thrown = exception;
        done = true;
      }
  );
  loop.restart();
  while (!done && loop.run_one() > 0) {
  }
  if (thrown) {
    std::rethrow_exception(thrown);
  }
  SLUICE_CHECK(result.has_value(), "the coroutine waits for something nobody will do");
  return std::move(*result);
}

template <class T>
Result<T> run_sync(Async<T> operation) {
  boost::asio::io_context loop(1);
  return run_sync(loop, std::move(operation));
}

}  // namespace sluice::testing
