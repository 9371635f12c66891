// What every change by an admin does within its transaction.
#pragma once

#include "services/policy-engine/domain/approval.h"

#include "common/postgres/pool.h"

#include <cstdint>

namespace sluice::policy_engine {

// The next revision of the stored policy. Holds the one row until the transaction ends: changes
// come one after the other, each after what it reads here after that.
[[nodiscard]] Result<std::uint64_t> raise_revision(postgres::Transaction& transaction);

// Puts the records of the change into the outbox.
[[nodiscard]] Result<void> add_records(
    postgres::Transaction& transaction, const ChangeRecords& records
);

}  // namespace sluice::policy_engine
