// PolicyStore over Postgres: tables policy.revision, keys, setup_token and outbox
// (migrations/0006_policy_keys.sql).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/postgres/pool.h"

namespace sluice::policy_engine {

class PgPolicyStore final : public PolicyStore {
 public:
  // Both outlive it.
  PgPolicyStore(postgres::Pool* pool, async::Clock* clock) : pool_(pool), clock_(clock) {}

  Async<StoredPolicy> read() override;
  Async<std::uint64_t> revision() override;
  Async<std::vector<CallerKey>> revoked() override;
  Async<ChangedKey> change(KeyTransition transition) override;
  Async<bool> offer_setup(std::string token_digest) override;
  Async<ChangedKey> use_setup(std::string token_digest, KeyTransition transition) override;

 private:
  template <class T>
  Async<T> transact(std::function<Result<T>(postgres::Transaction&)> work);

  postgres::Pool* pool_;
  async::Clock* clock_;
};

}  // namespace sluice::policy_engine
