#include "services/policy-engine/adapters/pg_policy_store.h"

#include "services/policy-engine/adapters/policy_change.h"
#include "services/policy-engine/domain/virtual_key.h"
#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"
#include "common/base/bytes.h"

#include <memory>
#include <string_view>
#include <utility>

namespace sluice::policy_engine {
namespace {

using postgres::Binary;
using postgres::Transaction;

constexpr std::string_view kRevision = "SELECT revision FROM policy.revision";
// One snapshot: the keys are those of that revision.
constexpr std::string_view kRead =
    "SELECT r.revision, coalesce(k.sha256, ''::bytea), coalesce(k.spec, ''::bytea) FROM "
    "policy.revision r LEFT JOIN policy.keys k ON k.revoked_at IS NULL ORDER BY k.id COLLATE "
    "\"C\"";
constexpr std::string_view kRevoked =
    "SELECT sha256, spec FROM policy.keys WHERE revoked_at IS NOT NULL ORDER BY revoked_at DESC, "
    "id LIMIT $1::bigint";
constexpr std::string_view kInsert =
    "INSERT INTO policy.keys (id, sha256, spec, created_by, created_at, expires_at) VALUES ($1, "
    "$2, $3, $4, timestamptz 'epoch' + $5::bigint * interval '1 millisecond', CASE WHEN "
    "$6::bigint = 0 THEN NULL ELSE timestamptz 'epoch' + $6::bigint * interval '1 millisecond' "
    "END) ON CONFLICT DO NOTHING";
constexpr std::string_view kUpdate =
    "UPDATE policy.keys SET spec = $2, expires_at = CASE WHEN $3::bigint = 0 THEN NULL ELSE "
    "timestamptz 'epoch' + $3::bigint * interval '1 millisecond' END WHERE id = $1 AND revoked_at "
    "IS NULL";
constexpr std::string_view kRevoke =
    "UPDATE policy.keys SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL";
constexpr std::string_view kOfferSetup =
    "INSERT INTO policy.setup_token (sha256) VALUES ($1) ON CONFLICT DO NOTHING";
constexpr std::string_view kSetup =
    "SELECT sha256, used_at IS NOT NULL FROM policy.setup_token FOR UPDATE";
constexpr std::string_view kUseSetup =
    "UPDATE policy.setup_token SET used_at = clock_timestamp() WHERE used_at IS NULL";

Result<CallerKey> key_in(const postgres::Row& row, int digest_column) {
  policy::v1::VirtualKey spec;
  if (!spec.ParseFromString(row.bytes(digest_column + 1))) {
    return Error(Code::Internal, "a stored key cannot be read; report this");
  }
  CallerKey key = caller_key_of(spec);
  key.digest = row.bytes(digest_column);
  return key;
}

Result<StoredPolicy> read_in(Transaction& transaction) {
  SLUICE_TRY(const auto rows, transaction.query(kRead, {}));
  if (rows->size() == 0) {
    return Error(Code::Internal, "policy.revision has no row; run the migrate step again");
  }
  StoredPolicy stored;
  stored.revision = static_cast<std::uint64_t>(rows->at(0).integer(0));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (rows->at(i).bytes(1).empty()) {
      continue;  // the row that stands for no keys
    }
    SLUICE_TRY(CallerKey key, key_in(rows->at(i), 1));
    stored.keys.push_back(std::move(key));
  }
  return stored;
}

Result<std::uint64_t> revision_in(Transaction& transaction) {
  SLUICE_TRY(const auto rows, transaction.query(kRevision, {}));
  if (rows->size() == 0) {
    return Error(Code::Internal, "policy.revision has no row; run the migrate step again");
  }
  return static_cast<std::uint64_t>(rows->at(0).integer(0));
}

Result<std::vector<CallerKey>> revoked_in(Transaction& transaction) {
  SLUICE_TRY(
      const auto rows,
      transaction.query(kRevoked, {static_cast<std::int64_t>(kRevokedKeysListedMax)})
  );
  std::vector<CallerKey> keys;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    SLUICE_TRY(CallerKey key, key_in(rows->at(i), 0));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::unique_ptr<postgres::Rows>> store(Transaction& transaction, const KeyChange& change) {
  const CallerKey& key = change.key;
  const Binary spec{shown(key).SerializeAsString()};
  switch (change.kind) {
    case KeyChange::Kind::Create:
      return transaction.query(
          kInsert,
          {key.id,
           Binary{key.digest},
           spec,
           key.origin ? key.origin->created_by : "",
           key.origin ? key.origin->created_unix_ms : std::int64_t{0},
           key.expires_unix_ms}
      );
    case KeyChange::Kind::Update:
      return transaction.query(kUpdate, {key.id, spec, key.expires_unix_ms});
    case KeyChange::Kind::Revoke:
      return transaction.query(kRevoke, {key.id});
  }
  return Error(Code::Internal, "an unknown change of a key; report this");
}

Result<ChangedKey> change_in(Transaction& transaction, const KeyTransition& transition) {
  // Before anything is read: changes come one after the other.
  SLUICE_TRY(const std::uint64_t revision, raise_revision(transaction));
  SLUICE_TRY(const StoredPolicy before, read_in(transaction));
  SLUICE_TRY(KeyChange change, transition(before));
  SLUICE_TRY(const auto stored, store(transaction, change));
  if (stored->affected() != 1) {
    return change.kind == KeyChange::Kind::Create
               ? Error(
                     Code::Conflict,
                     "the id \"" + change.key.id +
                         "\" was that of a key that is revoked: give another id"
                 )
               : Error(
                     Code::NotFound,
                     "no key made by API has the id \"" + change.key.id + "\": list them again"
                 );
  }
  SLUICE_CHECK_OK(add_records(transaction, change.records));
  return ChangedKey{std::move(change.key), revision};
}

Result<bool> offer_setup_in(Transaction& transaction, const std::string& token_digest) {
  SLUICE_TRY(const auto rows, transaction.query(kOfferSetup, {Binary{token_digest}}));
  return rows->affected() == 1;
}

Result<ChangedKey> use_setup_in(
    Transaction& transaction, const std::string& token_digest, const KeyTransition& transition
) {
  SLUICE_TRY(const auto rows, transaction.query(kSetup, {}));
  if (rows->size() == 0 || !equal_constant_time(rows->at(0).bytes(0), token_digest)) {
    return Error(
        Code::Unauthenticated,
        "this is not the setup token: send the one that policy-engine printed at its first start"
    );
  }
  if (rows->at(0).flag(1)) {
    return Error(
        Code::Conflict,
        "the setup token was used: send the key that it made, or add an admin key to auth.keys of "
        "the settings file"
    );
  }
  SLUICE_TRY([[maybe_unused]] const auto used, transaction.query(kUseSetup, {}));
  return change_in(transaction, transition);
}

}  // namespace

template <class T>
Async<T> PgPolicyStore::transact(std::function<Result<T>(Transaction&)> work) {
  co_return co_await async::with_deadline(
      clock_, clock_->now() + kVersionStoreTimeout, pool_->transact<T>(std::move(work))
  );
}

Async<StoredPolicy> PgPolicyStore::read() {
  return transact<StoredPolicy>(&read_in);
}

Async<std::uint64_t> PgPolicyStore::revision() {
  return transact<std::uint64_t>(&revision_in);
}

Async<std::vector<CallerKey>> PgPolicyStore::revoked() {
  return transact<std::vector<CallerKey>>(&revoked_in);
}

Async<ChangedKey> PgPolicyStore::change(KeyTransition transition) {
  return transact<ChangedKey>([transition = std::move(transition)](Transaction& transaction) {
    return change_in(transaction, transition);
  });
}

Async<bool> PgPolicyStore::offer_setup(std::string token_digest) {
  return transact<bool>([digest = std::move(token_digest)](Transaction& transaction) {
    return offer_setup_in(transaction, digest);
  });
}

Async<ChangedKey> PgPolicyStore::use_setup(std::string token_digest, KeyTransition transition) {
  return transact<ChangedKey>([digest = std::move(token_digest),
                               transition = std::move(transition)](Transaction& transaction) {
    return use_setup_in(transaction, digest, transition);
  });
}

}  // namespace sluice::policy_engine
