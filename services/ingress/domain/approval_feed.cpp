#include "services/ingress/domain/approval_feed.h"

#include "services/ingress/domain/approval_form.h"

#include "common/http/sse.h"

#include <algorithm>

namespace sluice::ingress {

bool ApprovalListener::may_hear(const policy::v1::ApprovalChanged& changed) const {
  return caller_->claims.tenant() == changed.tenant() &&
         (caller_->claims.principal() == changed.principal() || caller_->has_role("approver") ||
          caller_->has_role("admin"));
}

bool ApprovalFeed::has_room(const policy::v1::CallerClaims& claims) const {
  const auto own = std::count_if(listeners_.begin(), listeners_.end(), [&claims](const auto* one) {
    return one->claims().tenant() == claims.tenant() &&
           one->claims().principal() == claims.principal();
  });
  return !stopped_ && listeners_.size() < kApprovalStreamsMax &&
         static_cast<std::size_t>(own) < kApprovalStreamsPerCallerMax;
}

void ApprovalFeed::heard(const policy::v1::ApprovalChanged& changed) {
  const std::string event = http::format_sse(changed_json(changed), "approval_changed");
  for (ApprovalListener* const listener : listeners_) {
    if (listener->may_hear(changed)) {
      listener->push(event);
    }
  }
}

void ApprovalFeed::stop() {
  stopped_ = true;
  for (ApprovalListener* const listener : listeners_) {
    listener->close();
  }
}

}  // namespace sluice::ingress
