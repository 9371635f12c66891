// OneShot<T>: one value handed from whoever has it to one coroutine that waits for it. Single
// thread.
#pragma once

#include "common/async/async.h"
#include "common/async/unique_function.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

namespace sluice::async {

// Example:
//   OneShot<int> answer;
//   …somewhere: answer.set(42);
//   SLUICE_CO_TRY(const int value, co_await answer.wait());
//
// The first value wins; later ones are dropped. A cancelled wait ends with Cancelled and leaves the
// OneShot usable. Destroying it while a coroutine waits destroys that coroutine: keep it alive
// until wait() returned.
template <class T>
class OneShot {
 public:
  OneShot() = default;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;
  OneShot(OneShot&&) = delete;
  OneShot& operator=(OneShot&&) = delete;
  ~OneShot() = default;

  // Resumes the waiter in a later turn of the loop.
  void set(Result<T> value) { complete(std::move(value), Resume::Posted); }

  // Resumes the waiter before it returns. The caller holds no iterator or state the waiter could
  // change.
  void set_now(Result<T> value) { complete(std::move(value), Resume::Now); }

  [[nodiscard]] bool is_set() const { return done_; }

  // At most one waiter at a time.
  Async<T> wait() {
    if (value_.has_value()) {
      co_return take();
    }
    if (co_await is_cancelled()) {
      co_return Error(Code::Cancelled, "the operation was cancelled");
    }
    SLUICE_CHECK(!waiter_, "a OneShot has one waiter");
    co_return co_await boost::asio::
        async_initiate<const boost::asio::use_awaitable_t<Executor>, void(Result<T>)>(
            [this](auto handler) { this->start(std::move(handler)); }, async::kAwait
        );
  }

 private:
  enum class Resume { Now, Posted };

  template <class Handler>
  void start(Handler handler) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([this](boost::asio::cancellation_type) {
        if (waiter_) {
          resume(Error(Code::Cancelled, "the operation was cancelled"), Resume::Posted);
        }
      });
    }
    waiter_ = [handler = std::move(handler)](Result<T> value, Resume how) mutable {
      if (how == Resume::Now) {
        std::move(handler)(std::move(value));
        return;
      }
      auto executor = boost::asio::get_associated_executor(handler);
      boost::asio::post(
          executor,
          [handler = std::move(handler), value = std::move(value)]() mutable {
            std::move(handler)(std::move(value));
          }
      );
    };
  }

  void complete(Result<T> value, Resume how) {
    if (done_) {
      return;
    }
    done_ = true;
    if (waiter_) {
      resume(std::move(value), how);
    } else {
      value_.emplace(std::move(value));
    }
  }

  void resume(Result<T> value, Resume how) {
    auto waiter = std::move(waiter_);
    waiter_ = {};
    waiter(std::move(value), how);
  }

  Result<T> take() {
    Result<T> value = std::move(*value_);
    value_.reset();
    return value;
  }

  bool done_ = false;
  std::optional<Result<T>> value_;
  UniqueFunction<void(Result<T>, Resume)> waiter_;
};

}  // namespace sluice::async
