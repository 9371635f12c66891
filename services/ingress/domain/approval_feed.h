// ApprovalFeed: who listens for changes of approvals on this replica. Single thread.
#pragma once

#include "services/ingress/domain/authn.h"
#include "services/ingress/limits.h"

#include "common/async/channel.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

namespace sluice::ingress {

// Hears changes of its tenant for the roles approver and admin, else of its own approvals. One that
// does not read is closed: it listens again and lists what it missed.
class ApprovalListener {
 public:
  explicit ApprovalListener(CallerPtr caller) : caller_(std::move(caller)) {}

  [[nodiscard]] bool may_hear(const policy::v1::ApprovalChanged& changed) const;

  // The same caller with the rights it has by now.
  void renew(CallerPtr caller) { caller_ = std::move(caller); }

  // For whoever sends them.
  [[nodiscard]] async::Channel<std::string>* events() { return &events_; }

  void push(std::string event) {
    if (!events_.try_push(event)) {
      events_.close();
    }
  }

  void close() { events_.close(); }

  [[nodiscard]] bool closed() const { return events_.closed(); }

  [[nodiscard]] const policy::v1::CallerClaims& claims() const { return caller_->claims; }

 private:
  CallerPtr caller_;
  async::Channel<std::string> events_{kApprovalEventsMax};
};

class ApprovalFeed {
 public:
  // Whether there is room for one more of this principal.
  [[nodiscard]] bool has_room(const policy::v1::CallerClaims& claims) const;

  void add(ApprovalListener* listener) { listeners_.insert(listener); }

  void remove(ApprovalListener* listener) { listeners_.erase(listener); }

  void heard(const policy::v1::ApprovalChanged& changed);

  // Ends every stream, and each that begins later.
  void stop();

 private:
  bool stopped_ = false;
  std::set<ApprovalListener*> listeners_;
};

}  // namespace sluice::ingress
