// BlockingPool: a few threads for calls that block (libpqxx, file I/O, name lookups). The result
// comes back on the caller's executor.
#pragma once

#include "common/async/async.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <concepts>
#include <exception>
#include <utility>

namespace sluice::async {

class BlockingPool {
 public:
  // queued_max: calls waiting or running before run() answers Exhausted.
  explicit BlockingPool(std::size_t threads, std::size_t queued_max = 1024);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  BlockingPool(BlockingPool&&) = delete;
  BlockingPool& operator=(BlockingPool&&) = delete;
  ~BlockingPool();  // waits for running calls

  // callable: Result<T>(), runs on a pool thread and may throw (becomes Internal). Not cancellable:
  // bound its time inside. Everything it refers to must live until run() returned.
  template <class Callable>
  auto run(Callable callable) -> Async<typename std::invoke_result_t<Callable>::value_type> {
    using T = typename std::invoke_result_t<Callable>::value_type;
    if (queued_.fetch_add(1) >= queued_max_) {
      queued_.fetch_sub(1);
      co_return Error(Code::Exhausted, "too much blocking work is queued; retry later");
    }
    auto result = co_await boost::asio::async_initiate<
        const boost::asio::use_awaitable_t<Executor>,
        void(Result<T>)>(
        [this, &callable](auto handler) {
          boost::asio::post(threads_, [this, &callable, handler = std::move(handler)]() mutable {
            Result<T> outcome = guarded<T>(callable);
            queued_.fetch_sub(1);
            auto executor = boost::asio::get_associated_executor(handler);
            boost::asio::post(
                executor,
                [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                  std::move(handler)(std::move(outcome));
                }
            );
          });
        },
        async::kAwait
    );
    co_return result;
  }

 private:
  template <class T, class Callable>
  static Result<T> guarded(Callable& callable) noexcept {
    try {
      return callable();
    } catch (const std::exception& exception) {
      return Error(Code::Internal, "a blocking call threw").with_detail(exception.what());
    }
  }

  boost::asio::thread_pool threads_;
  std::size_t queued_max_;
  std::atomic<std::size_t> queued_{0};
};

}  // namespace sluice::async
