// PinStore over Postgres: tables policy.pins, confusable_tools, revision and outbox
// (migrations/0007_policy_pins.sql).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/postgres/pool.h"

namespace sluice::policy_engine {

class PgPinStore final : public PinStore {
 public:
  // The pool outlives it.
  explicit PgPinStore(postgres::Pool* pool) : pool_(pool) {}

  Async<PinCheckReply> check(PinCheckRequest request) override;
  Async<std::vector<StoredPin>> list(bool quarantined_only) override;
  Async<std::optional<StoredPin>> get(ToolName name) override;
  Async<PinApproved> approve(PinApproval approval) override;

 private:
  postgres::Pool* pool_;
};

}  // namespace sluice::policy_engine
