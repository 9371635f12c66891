#include "services/policy-engine/handlers/manage_limits.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"

namespace sluice::policy_engine {

Async<policy::v1::ManageReply> LimitOverview::list(PolicyState::Snapshot loaded) {
  policy::v1::ManageReply reply;
  reply.set_policy_version(loaded->version);
  reply.set_snapshot_hash(loaded->hash);
  const TimePoint deadline = clock_->now() + kLimitListTimeout;
  for (const Limit& limit : *loaded->policy.limits) {
    auto state = co_await async::with_deadline(clock_, deadline, counters_->state(limit));
    if (!state.ok()) {
      co_return Error(
          Code::Unavailable,
          "the counters of limits cannot be reached at the moment: try again in a few seconds"
      )
          .with_detail(state.error().to_log())
          .with_retry_after(std::chrono::seconds(1));
    }
    *reply.add_limits() = std::move(state).value();
  }
  co_return reply;
}

}  // namespace sluice::policy_engine
