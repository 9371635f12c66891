#include "services/policy-engine/adapters/pg_version_store.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"

#include <string_view>
#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kNewest =
    "SELECT version, snapshot_hash FROM policy.versions ORDER BY version DESC LIMIT 1";
// Replicas that start together must not both make a version: the loser of the lock finds the
// winner's.
constexpr std::string_view kLock =
    "SELECT pg_advisory_xact_lock(hashtextextended('policy.versions', 0))";
constexpr std::string_view kStoredRevision = "SELECT revision FROM policy.revision";
constexpr std::string_view kInsert =
    "INSERT INTO policy.versions (snapshot_hash) VALUES ($1) RETURNING version";

Result<BoundVersion> newest_in(postgres::Transaction& transaction) {
  SLUICE_TRY(const auto rows, transaction.query(kNewest, {}));
  if (rows->size() == 0) {
    return BoundVersion{};
  }
  return BoundVersion{static_cast<std::uint64_t>(rows->at(0).integer(0)), rows->at(0).bytes(1)};
}

Result<BoundVersion> claim_in(postgres::Transaction& transaction, const VersionClaim& claim) {
  SLUICE_TRY(const auto locked, transaction.query(kLock, {}));
  SLUICE_TRY(BoundVersion bound, newest_in(transaction));
  if (bound.hash == claim.hash || (claim.replaces && bound.version != *claim.replaces)) {
    return bound;
  }
  SLUICE_TRY(const auto stored, transaction.query(kStoredRevision, {}));
  if (stored->size() != 1 ||
      static_cast<std::uint64_t>(stored->at(0).integer(0)) != claim.stored_revision) {
    return Error(Code::Conflict, "the stored policy changed meanwhile: try again");
  }
  SLUICE_TRY(const auto rows, transaction.query(kInsert, {postgres::Binary{claim.hash}}));
  return BoundVersion{static_cast<std::uint64_t>(rows->at(0).integer(0)), claim.hash};
}

}  // namespace

Async<BoundVersion> PgVersionStore::claim(VersionClaim claim) {
  std::function<Result<BoundVersion>(postgres::Transaction&)> work =
      [claim = std::move(claim)](postgres::Transaction& transaction) {
        return claim_in(transaction, claim);
      };
  co_return co_await async::with_deadline(
      clock_, clock_->now() + kVersionStoreTimeout, pool_->transact<BoundVersion>(std::move(work))
  );
}

Async<BoundVersion> PgVersionStore::newest() {
  std::function<Result<BoundVersion>(postgres::Transaction&)> work = &newest_in;
  co_return co_await async::with_deadline(
      clock_, clock_->now() + kVersionStoreTimeout, pool_->transact<BoundVersion>(std::move(work))
  );
}

}  // namespace sluice::policy_engine
