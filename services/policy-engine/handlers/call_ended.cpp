#include "services/policy-engine/handlers/call_ended.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"
#include "common/async/retry.h"
#include "common/crypto/random.h"

#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::size_t kGrantIdBytes = 16;

}  // namespace

CallEndedListener::CallEndedListener(Deps deps)
    : deps_(std::move(deps)),
      tasks_(deps_.executor, [log = deps_.log](std::string_view name, const Error& error) {
        log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
      }) {}

void CallEndedListener::heard(connector::v1::CallEnded end) {
  if (end.grant_id().size() != kGrantIdBytes) {
    return;
  }
  if (waiting_ >= kSettlementsMax) {
    drop(Error(Code::Exhausted, "too many ends of calls wait for Redis"));
    return;
  }
  ++waiting_;
  tasks_.spawn("call-ended", settle(std::move(end)));
}

Async<void> CallEndedListener::close() {
  return tasks_.cancel_and_close();
}

Async<void> CallEndedListener::settle(connector::v1::CallEnded end) {
  const TimePoint deadline = deps_.clock->now() + kSettlementTimeout;
  const std::function<Async<void>()> attempt = [counters = deps_.counters, end] {
    return counters->settle(end);
  };
  constexpr async::RetryPolicy kPolicy{
      .attempts_max = 20,
      .first_wait = std::chrono::milliseconds(100),
      .wait_max = std::chrono::milliseconds(1'000),
  };
  const auto settled = co_await async::with_deadline(
      deps_.clock,
      deadline,
      async::retry<void>(deps_.clock, deadline, kPolicy, crypto::random_u64(), attempt)
  );
  --waiting_;
  if (!settled.ok()) {
    drop(settled.error());
  }
  co_return Result<void>();
}

void CallEndedListener::drop(const Error& why) {
  deps_.log->warn("call-end-dropped", {{"error", why.to_log()}});
}

}  // namespace sluice::policy_engine
