#include "services/policy-engine/handlers/approval_upkeep.h"

#include "services/policy-engine/domain/approval_events.h"
#include "services/policy-engine/limits.h"

#include <utility>

namespace sluice::policy_engine {

Async<void> ApprovalUpkeep::run() {
  TimePoint next_sweep = deps_.clock->now();
  while (true) {
    SLUICE_CO_CHECK_OK(co_await attempt(drain()));
    if (deps_.clock->now() >= next_sweep) {
      SLUICE_CO_CHECK_OK(co_await attempt(sweep()));
      next_sweep = deps_.clock->now() + kApprovalSweepInterval;
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kOutboxInterval));
  }
}

Async<void> ApprovalUpkeep::attempt(Async<void> work) {
  const auto result = co_await std::move(work);
  if (!result.ok()) {
    if (result.error().code() == Code::Cancelled) {
      co_return result;
    }
    deps_.log->warn("approval-upkeep-failed", {{"error", result.error().to_log()}});
  }
  co_return Result<void>();
}

Async<void> ApprovalUpkeep::drain() {
  for (bool more = true; more;) {  // ends with what there is: each round removes what it claimed
    SLUICE_CO_TRY(std::vector<OutboxRecord> claimed, co_await deps_.store->claim_records());
    std::vector<std::string> published;
    for (OutboxRecord& one : claimed) {
      SLUICE_CO_TRY(std::string event_id, deps_.audit->record(std::move(one.record)));
      published.push_back(std::move(event_id));
    }
    if (published.empty()) {
      break;
    }
    more = published.size() == kOutboxRecordsMax;
    SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
    SLUICE_CO_CHECK_OK(co_await deps_.store->remove_records(std::move(published)));
  }
  co_return Result<void>();
}

Async<void> ApprovalUpkeep::sweep() {
  const std::int64_t now = deps_.clock->unix_ms();
  SLUICE_CO_TRY(const std::vector<std::string> due, co_await deps_.store->due(now));
  for (const std::string& id : due) {
    ApprovalTransition transition = [now](StoredApproval* stored) {
      return expire_approval(stored, now);
    };
    const auto changed = co_await deps_.store->change(id, std::move(transition));
    if (!changed.ok()) {
      co_return changed.error();
    }
    if (changed.value().changed) {
      tell(deps_.events, deps_.log, changed.value().stored.approval);
    }
  }
  co_return co_await deps_.store->forget(now - kApprovalsKeptMs);
}

}  // namespace sluice::policy_engine
