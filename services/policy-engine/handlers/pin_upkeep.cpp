#include "services/policy-engine/handlers/pin_upkeep.h"

#include "services/policy-engine/domain/approval_events.h"
#include "services/policy-engine/limits.h"

#include <string>
#include <utility>
#include <vector>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kDefinitionChanged =
    "the tool's definition has changed since the approval was asked for, and the tool is "
    "quarantined: make the call again once an admin has approved the new definition";

}  // namespace

Async<void> PinUpkeep::run() {
  TimePoint next_sweep = deps_.clock->now();
  while (true) {
    if (deps_.pins->take_news() || deps_.clock->now() >= next_sweep) {
      next_sweep = deps_.clock->now() + kApprovalSweepInterval;
      const auto result = co_await sweep();
      if (!result.ok()) {
        if (result.error().code() == Code::Cancelled) {
          co_return result;
        }
        deps_.log->warn("pin-upkeep-failed", {{"error", result.error().to_log()}});
        next_sweep = deps_.clock->now() + kPinRetryInterval;
      }
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kPinUpkeepInterval));
  }
}

Async<void> PinUpkeep::sweep() {
  const PolicyState::Snapshot loaded = deps_.policy->loaded();
  if (loaded == nullptr || loaded->policy.tool_pins == ToolPins::Off) {
    co_return Result<void>();
  }
  const std::int64_t now = deps_.clock->unix_ms();
  // Each round makes what it found void: it ends with what there is.
  for (bool more = true; more;) {
    SLUICE_CO_TRY(const std::vector<std::string> ids, co_await deps_.approvals->of_quarantined());
    for (const std::string& id : ids) {
      ApprovalTransition transition = [now](StoredApproval* stored) {
        return void_approval(stored, std::string(kDefinitionChanged), now);
      };
      const auto changed = co_await deps_.approvals->change(id, std::move(transition));
      if (!changed.ok()) {
        co_return changed.error();
      }
      if (changed.value().changed) {
        tell(deps_.events, deps_.log, changed.value().stored.approval);
      }
    }
    more = ids.size() == kApprovalsPerSweepMax;
  }
  co_return Result<void>();
}

}  // namespace sluice::policy_engine
