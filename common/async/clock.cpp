#include "common/async/clock.h"

#include "common/async/one_shot.h"

#include <boost/asio/steady_timer.hpp>

namespace sluice::async {
namespace {

// Holds the callback until it ran or the Timer went; the Asio handler may outlive both.
struct Pending {
  explicit Pending(const Executor& executor) : timer(executor) {}

  boost::asio::steady_timer timer;
  UniqueFunction<void()> callback;
};

class SystemTimer final : public Timer {
 public:
  explicit SystemTimer(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}

  ~SystemTimer() override {
    pending_->callback = {};
    pending_->timer.cancel();
  }

 private:
  std::shared_ptr<Pending> pending_;
};

}  // namespace

SystemClock::SystemClock(Executor executor) : executor_(std::move(executor)) {}

TimePoint SystemClock::now() const {
  return std::chrono::steady_clock::now();
}

std::int64_t SystemClock::unix_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch()
  )
      .count();
}

std::unique_ptr<Timer> SystemClock::schedule(TimePoint when, UniqueFunction<void()> callback) {
  auto pending = std::make_shared<Pending>(executor_);
  pending->callback = std::move(callback);
  pending->timer.expires_at(when);
  pending->timer.async_wait([pending](boost::system::error_code) {
    if (pending->callback) {
      auto due = std::move(pending->callback);
      pending->callback = {};
      due();
    }
  });
  return std::make_unique<SystemTimer>(std::move(pending));
}

Async<void> sleep_until(Clock* clock, TimePoint when) {
  OneShot<void> done;
  const auto timer = clock->schedule(when, [&done] { done.set_now({}); });
  co_return co_await done.wait();
}

Async<void> sleep_for(Clock* clock, Duration duration) {
  co_return co_await sleep_until(clock, clock->now() + duration);
}

}  // namespace sluice::async
