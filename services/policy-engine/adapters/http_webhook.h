// WebhookReceiver over HTTP.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/http/client.h"

namespace sluice::policy_engine {

// Errors besides: Invalid (the networks allowed are none).
class HttpWebhook final : public WebhookReceiver {
 public:
  explicit HttpWebhook(http::Client* client) : client_(client) {}  // outlives it

  Async<int> post(
      WebhookPtr webhook, WebhookEvent event, std::int64_t now_unix_ms, TimePoint deadline
  ) override;

 private:
  http::Client* client_;
};

}  // namespace sluice::policy_engine
