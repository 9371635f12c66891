#include "services/policy-engine/adapters/http_webhook.h"

#include <utility>

namespace sluice::policy_engine {

Async<int> HttpWebhook::post(
    WebhookPtr webhook, WebhookEvent event, std::int64_t now_unix_ms, TimePoint deadline
) {
  constexpr std::int64_t kMsPerSecond = 1'000;
  SLUICE_CO_TRY(
      auto guard,
      http::AddressGuard::make(
          webhook->allowed_private_networks, "policy.webhook.allowed_private_networks"
      )
  );
  const std::int64_t timestamp_s = now_unix_ms / kMsPerSecond;
  http::ClientRequest request;
  request.method = "POST";
  request.url = webhook->url;
  request.headers.add("content-type", "application/json");
  request.headers.add("user-agent", "Sluice");
  request.headers.add(
      "webhook-signature", webhook_signature(webhook->key, event.id, timestamp_s, event.body)
  );
  request.headers.add("webhook-timestamp", std::to_string(timestamp_s));
  request.headers.add("webhook-id", std::move(event.id));
  request.body = std::move(event.body);
  request.deadline = deadline;
  request.idempotent = true;  // the receiver knows a repeat by its webhook-id
  request.guard = std::move(guard);
  // Of the answer only the status counts: it is not read further.
  SLUICE_CO_TRY(const auto response, co_await client_->open(std::move(request)));
  co_return response->status();
}

}  // namespace sluice::policy_engine
