// with_deadline: runs an operation under a deadline. For cold paths; the bus and HTTP adapters keep
// deadlines of their own.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <memory>

namespace sluice::async {
namespace detail {

template <class T>
struct Race {
  boost::asio::cancellation_signal signal;
  OneShot<T> done;
  bool expired = false;
  bool begun = false;
  bool cancelled = false;

  // Only noted until the operation has begun, as in TaskGroup.
  void cancel() {
    cancelled = true;
    if (begun) {
      signal.emit(boost::asio::cancellation_type::terminal);
    }
  }
};

template <class T>
async::Plain<void> run_racer(std::shared_ptr<Race<T>> race, Async<T> operation) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  race->begun = true;
  if (race->cancelled) {
    race->done.set(Error(Code::Cancelled, "the operation was cancelled"));
    co_return;
  }
  Result<T> result = Error(Code::Internal, "the operation ended without a result");
  try {
    result = co_await std::move(operation);
  } catch (const std::exception& exception) {
    result = Error(Code::Internal, "an operation threw").with_detail(exception.what());
  }
  race->done.set(std::move(result));
}

}  // namespace detail

// Errors: Deadline when the time is over (the operation is cancelled and awaited first, so nothing
// it refers to is in use any more); Cancelled when the caller is; else the operation's own.
template <class T>
Async<T> with_deadline(Clock* clock, TimePoint deadline, Async<T> operation) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto race = std::make_shared<detail::Race<T>>();
  const auto timer = clock->schedule(deadline, [race] {
    race->expired = true;
    race->cancel();
  });
  boost::asio::co_spawn(
      executor,
      detail::run_racer<T>(race, std::move(operation)),
      boost::asio::bind_cancellation_slot(race->signal.slot(), [race](std::exception_ptr) {})
  );
  Result<T> result = co_await race->done.wait();
  if (!race->done.is_set()) {  // the caller was cancelled: pass it on and wait for the end
    race->cancel();
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    result = co_await race->done.wait();
  }
  if (race->expired && !result.ok() && result.error().code() == Code::Cancelled) {
    co_return Error(
        Code::Deadline, "the operation took longer than its deadline; try again or allow more time"
    );
  }
  co_return result;
}

}  // namespace sluice::async
