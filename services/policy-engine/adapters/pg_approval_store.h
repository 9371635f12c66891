// ApprovalStore over Postgres: tables policy.approvals, approval_answers and outbox
// (migrations/0005_policy_approvals.sql).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/postgres/pool.h"

namespace sluice::policy_engine {

class PgApprovalStore final : public ApprovalStore {
 public:
  // The pool outlives it.
  explicit PgApprovalStore(postgres::Pool* pool) : pool_(pool) {}

  Async<std::vector<std::optional<StoredApproval>>> find_or_add(std::vector<NewApproval> asked
  ) override;
  Async<ChangedApproval> change(std::string id, ApprovalTransition transition) override;
  Async<std::optional<StoredApproval>> get(std::string id) override;
  Async<ApprovalPage> list(ApprovalFilter filter) override;
  Async<std::vector<std::string>> due(std::int64_t now_unix_ms) override;
  Async<void> forget(std::int64_t expired_before_unix_ms) override;
  Async<std::vector<OutboxRecord>> claim_records() override;
  Async<void> remove_records(std::vector<std::string> event_ids) override;

 private:
  postgres::Pool* pool_;
};

}  // namespace sluice::policy_engine
