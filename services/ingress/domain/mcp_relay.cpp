#include "services/ingress/domain/mcp_relay.h"

#include "common/async/deadline.h"

#include <utility>

namespace sluice::ingress {

Async<void> McpRelay::begin() {
  SLUICE_CO_CHECK_OK(co_await prime());
  co_return co_await keep_alive();
}

Async<void> McpRelay::notify(std::string message) {
  SLUICE_CO_CHECK_OK(co_await prime());
  Event event;
  event.kind = Kind::Message;
  if (recorder_->can_resume()) {
    SLUICE_CO_TRY(event.id, co_await recorder_->keep(message));
  }
  event.message = std::move(message);
  co_return co_await push(std::move(event));
}

Async<void> McpRelay::prime() {
  if (events_.closed() && !recorder_->can_resume()) {
    co_return Result<void>();  // nobody could come back for what is kept
  }
  Event event;
  event.kind = Kind::Id;
  SLUICE_CO_TRY(event.id, co_await recorder_->begin());
  if (event.id.empty()) {
    co_return Result<void>();
  }
  co_return co_await push(std::move(event));
}

Async<void> McpRelay::keep_alive() {
  co_return co_await push(Event());
}

Async<void> McpRelay::push(Event event) {
  if (events_.closed()) {
    co_return Result<void>();
  }
  if (!recorder_->can_resume()) {
    auto pushed = co_await events_.push(std::move(event));
    const bool left = !pushed.ok() && pushed.error().code() == Code::Unavailable;
    co_return left ? Result<void>() : pushed;
  }
  if (events_.try_push(event)) {
    co_return Result<void>();
  }
  auto pushed = co_await async::with_deadline(
      clock_, clock_->now() + kMcpSlowClientWait, events_.push(std::move(event))
  );
  if (!pushed.ok() && pushed.error().code() == Code::Cancelled) {
    co_return pushed;
  }
  if (!pushed.ok()) {
    leave();
  }
  co_return Result<void>();
}

Async<void> McpRelay::pass_on(McpReply* reply) {
  const auto tick_in = [this](Duration time) {
    return clock_->schedule(clock_->now() + time, [this] {
      Event event;
      event.kind = Kind::Tick;
      tick_missed_ = !events_.try_push(event);  // no room: there is something to tell
    });
  };
  std::unique_ptr<async::Timer> timer;
  if (recorder_->resuming() != McpResuming::No) {
    timer = tick_in(kMcpStreamAfter);
  }
  for (;;) {  // ends with the task
    SLUICE_CO_TRY(auto event, co_await events_.pop());
    if (!event) {
      co_return Result<void>();
    }
    const bool ticked = event->kind == Kind::Tick;
    SLUICE_CO_CHECK_OK(co_await pass(std::move(*event), reply));
    if (ticked || std::exchange(tick_missed_, false)) {
      timer = tick_in(kMcpKeepAlive);
    }
  }
}

Async<void> McpRelay::pass(Event event, McpReply* reply) {
  if (event.kind == Kind::Tick) {
    co_return co_await tick(reply);
  }
  if (event.kind == Kind::Message) {
    reply->name_next(std::move(event.id));
    co_return co_await reply->notify(std::move(event.message));
  }
  if (event.kind == Kind::Id) {
    co_return co_await reply->prime(std::move(event.id));
  }
  SLUICE_CO_CHECK_OK(co_await reply->begin());
  co_return co_await reply->keep_alive();
}

// A quiet stream is kept open, and a request that takes its time becomes one.
Async<void> McpRelay::tick(McpReply* reply) {
  if (events_.closed()) {
    co_return Result<void>();  // the answer is there
  }
  if (reply->begun()) {
    co_return co_await reply->keep_alive();
  }
  if (recorder_->resuming() != McpResuming::Primed) {
    co_return Result<void>();
  }
  SLUICE_CO_TRY(std::string id, co_await recorder_->begin());
  if (id.empty()) {
    co_return Result<void>();
  }
  co_return co_await reply->prime(std::move(id));
}

}  // namespace sluice::ingress
