// Async<T>: the only async return type. A coroutine that yields Result<T>; exceptions stop below
// it.
#pragma once

#include "common/base/result.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice {

using Executor = boost::asio::io_context::executor_type;

template <class T>
using Async = boost::asio::awaitable<Result<T>, Executor>;

namespace async {

// An Async without a Result, for this library's own lowest level.
template <class T>
using Plain = boost::asio::awaitable<T, Executor>;

// What coroutines await an Asio operation with.
inline constexpr boost::asio::use_awaitable_t<Executor> kAwait;

// Whether the current task was asked to stop. Long loops ask before each round; every wait of this
// library asks itself.
[[nodiscard]] Plain<bool> is_cancelled();

}  // namespace async
}  // namespace sluice
