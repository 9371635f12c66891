// VersionStore over Postgres: table policy.versions (migrations/0002_policy_versions.sql).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/postgres/pool.h"

namespace sluice::policy_engine {

class PgVersionStore final : public VersionStore {
 public:
  // Both outlive it.
  PgVersionStore(postgres::Pool* pool, async::Clock* clock) : pool_(pool), clock_(clock) {}

  Async<BoundVersion> claim(VersionClaim claim) override;
  Async<BoundVersion> newest() override;

 private:
  postgres::Pool* pool_;
  async::Clock* clock_;
};

}  // namespace sluice::policy_engine
