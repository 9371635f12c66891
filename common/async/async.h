// Async<T>: the only async return type. A coroutine that yields Result<T>; exceptions stop below
// it.
#pragma once

#include "common/base/result.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace sluice {

template <class T>
using Async = boost::asio::awaitable<Result<T>>;

using Executor = boost::asio::any_io_executor;

namespace async {

// Whether the current task was asked to stop. Long loops ask before each round; every wait of this
// library asks itself.
[[nodiscard]] boost::asio::awaitable<bool> is_cancelled();

}  // namespace async
}  // namespace sluice
