#include "services/policy-engine/handlers/beat.h"

#include "services/policy-engine/limits.h"

namespace sluice::policy_engine {

Async<void> Beat::run() {
  while (true) {
    if (deps_.policy->is_behind()) {
      SLUICE_CO_CHECK_OK(co_await catch_up());
    }
    deps_.catalogs->refresh_if_old();
    publish();
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kBeatInterval));
  }
}

void Beat::publish() {
  const auto current = deps_.policy->current();
  if (!current.ok()) {
    return;
  }
  deps_.metrics->gauge("sluice_policy_version_number", "Version of the policy in force.")
      .set(static_cast<double>(current.value()->version));
  policy::v1::PolicyBeat beat;
  beat.set_instance(deps_.instance);
  beat.set_policy_version(current.value()->version);
  beat.set_catalog_version(deps_.catalogs->version());
  if (const auto sent = deps_.sink->publish(beat); !sent.ok()) {
    deps_.log->warn("beat-not-sent", {{"error", sent.error().to_log()}});
  }
}

// Ends with Cancelled only; anything else is tried again at the next beat.
Async<void> Beat::catch_up() {
  const auto result = co_await deps_.binding->catch_up();
  if (!result.ok()) {
    if (result.error().code() == Code::Cancelled) {
      co_return result;
    }
    deps_.log->warn("policy-version-unknown", {{"error", result.error().to_log()}});
  } else if (deps_.policy->is_behind()) {
    deps_.log->warn(
        "policy-behind",
        {{"hint", "another replica has loaded other settings; give this one the same file"}}
    );
  }
  co_return Result<void>();
}

}  // namespace sluice::policy_engine
