// A loop, a clock that moves by hand, and background tasks: what handler tests with a run() share.
#pragma once

#include "common/async/task_group.h"
#include "common/observability/metrics.h"
#include "common/testing/manual_clock.h"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::audit_writer {

class EventLog final : public observability::Log {
 public:
  void
  write(observability::Level /*level*/, std::string_view event, observability::LogFields /*fields*/)
      override {
    events.emplace_back(event);
  }

  [[nodiscard]] bool has(std::string_view event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }

  std::vector<std::string> events;
};

class LoopFixture {
 public:
  // Ends the background tasks; declared behind what they use.
  class Stop {
   public:
    explicit Stop(LoopFixture* world) : world_(world) {}

    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;
    Stop(Stop&&) = delete;
    Stop& operator=(Stop&&) = delete;

    ~Stop() {
      world_->tasks.cancel();
      while (world_->tasks.size() > 0) {
        world_->loop.restart();
        world_->loop.run_one();
      }
    }

   private:
    LoopFixture* world_;
  };

  LoopFixture() = default;
  LoopFixture(const LoopFixture&) = delete;
  LoopFixture& operator=(const LoopFixture&) = delete;
  LoopFixture(LoopFixture&&) = delete;
  LoopFixture& operator=(LoopFixture&&) = delete;

  ~LoopFixture() = default;

  // Everything that can happen now happens.
  void settle() {
    loop.restart();
    loop.poll();
  }

  void pass(Duration time) {
    constexpr Duration kStep = std::chrono::milliseconds(50);
    for (Duration left = time; left > Duration::zero(); left -= kStep) {
      clock.advance(std::min(left, kStep));
      settle();
    }
  }

  // Starts an operation; the result appears in the optional.
  template <class T>
  std::shared_ptr<std::optional<Result<T>>> start(Async<T> operation) {
    auto out = std::make_shared<std::optional<Result<T>>>();
    tasks.spawn("operation", keep(std::move(operation), out));
    settle();
    return out;
  }

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  EventLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  async::TaskGroup tasks{loop.get_executor(), [](std::string_view, const Error&) {}};

 private:
  template <class T>
  static Async<void> keep(Async<T> operation, std::shared_ptr<std::optional<Result<T>>> out) {
    out->emplace(co_await std::move(operation));
    co_return Result<void>();
  }
};

}  // namespace sluice::audit_writer
