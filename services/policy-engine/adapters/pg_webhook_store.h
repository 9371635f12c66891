// WebhookStore over Postgres: table policy.webhook_events (migrations/0008_policy_webhooks.sql).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/postgres/pool.h"

namespace sluice::policy_engine {

// In the transaction of the change it tells of.
[[nodiscard]] Result<void> add_webhook_event(
    postgres::Transaction& transaction, const WebhookEvent& event
);

class PgWebhookStore final : public WebhookStore {
 public:
  // The pool outlives it.
  explicit PgWebhookStore(postgres::Pool* pool) : pool_(pool) {}

  Async<std::vector<WebhookEvent>> claim() override;
  Async<void> remove(std::string id) override;
  Async<void> put_off(std::string id, std::chrono::milliseconds wait) override;
  Async<std::vector<WebhookEvent>> give_up(std::int64_t created_before_unix_ms) override;

 private:
  postgres::Pool* pool_;
};

}  // namespace sluice::policy_engine
