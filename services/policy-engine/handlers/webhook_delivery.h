// Posts changes of approvals to the receiver of policy.webhook, by every replica, and takes over
// what the settings file says of it as it changes.
//
// At least once: an event is removed when the receiver has taken it (2xx), or has said that it
// never will (410); a replica that dies in between leaves it to another, under the same webhook-id.
// Anything else is tried again with growing waits, and given up with a record after 24 h. The order
// of events is not kept.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/audit/client.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <string>
#include <string_view>

namespace sluice::policy_engine {

class WebhookDelivery {
 public:
  struct Deps {
    WebhookInForce* told;  // all outlive it
    SettingsFile* settings;
    WebhookStore* store;
    WebhookReceiver* receiver;
    audit::Client* audit;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
  };

  explicit WebhookDelivery(Deps deps) : deps_(deps) {}

  // Until cancelled. Errors: Cancelled.
  Async<void> run();

  // Takes over the settings if their file is another one than before. Faults of it change nothing:
  // PolicyReload tells them. Errors: those of the file.
  Async<void> look();
  // Posts what is due. Errors: those of the store.
  Async<void> deliver();
  // Gives up what is too old, or too much. Errors: those of the store, Unavailable (audit outbox
  // full).
  Async<void> sweep();

 private:
  // Ends with Cancelled only.
  Async<void> attempt(Async<void> work);
  Async<void> deliver_one(WebhookPtr webhook, WebhookEvent event);
  Async<void> settle(WebhookEvent event, Result<int> status);
  Result<void> record_given_up(const WebhookEvent& event, std::string_view reason);
  void count(std::string_view result);

  Deps deps_;
  std::string stamp_;  // of the settings file as it was last read
};

}  // namespace sluice::policy_engine
