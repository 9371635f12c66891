// Telling everybody that an approval has changed. A lost event is repaired by the next listing.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/observability/log.h"

namespace sluice::policy_engine {

inline void tell(
    ApprovalEvents* events, observability::Log* log, const policy::v1::Approval& approval
) {
  if (const auto sent = events->publish(changed_event(approval)); !sent.ok()) {
    log->warn("approval-change-not-told", {{"error", sent.error().to_log()}});
  }
}

}  // namespace sluice::policy_engine
