// ApprovalStore over Postgres: tables policy.approvals, approval_answers and outbox
// (migrations/0005_policy_approvals.sql); adds what the receiver of policy.webhook is to be told to
// webhook_events (0008_policy_webhooks.sql).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/postgres/pool.h"

namespace sluice::policy_engine {

class PgApprovalStore final : public ApprovalStore {
 public:
  // Both outlive it. told: null where nobody ever is.
  explicit PgApprovalStore(postgres::Pool* pool, const WebhookInForce* told = nullptr)
      : pool_(pool), told_(told) {}

  Async<std::vector<std::optional<StoredApproval>>> find_or_add(std::vector<NewApproval> asked
  ) override;
  Async<ChangedApproval> change(std::string id, ApprovalTransition transition) override;
  Async<std::optional<StoredApproval>> get(std::string id) override;
  Async<ApprovalPage> list(ApprovalFilter filter) override;
  Async<std::vector<std::string>> due(std::int64_t now_unix_ms) override;
  Async<std::vector<std::string>> of_quarantined() override;
  Async<void> forget(std::int64_t expired_before_unix_ms) override;
  Async<std::vector<OutboxRecord>> claim_records() override;
  Async<void> remove_records(std::vector<std::string> event_ids) override;

 private:
  [[nodiscard]] WebhookPtr webhook() const { return told_ == nullptr ? nullptr : told_->webhook; }

  postgres::Pool* pool_;
  const WebhookInForce* told_;
};

}  // namespace sluice::policy_engine
