// Writing records, bodies, results and rejected bytes inside a transaction: what commits and intake
// share.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/postgres/pool.h"

#include <set>
#include <span>
#include <string>
#include <vector>

namespace sluice::audit_writer {

using RecordPointers = std::vector<const StoredRecord*>;

// Inserts those not there yet; answers their event ids.
[[nodiscard]] Result<std::set<std::string>> insert_records(
    postgres::Transaction& transaction, const RecordPointers& records
);
// For each record whether the trail holds it with other bytes (false also when it does not hold
// it).
[[nodiscard]] Result<std::vector<bool>> changed_records(
    postgres::Transaction& transaction, const RecordPointers& records
);
[[nodiscard]] Result<void> insert_bodies(
    postgres::Transaction& transaction, const RecordPointers& records
);
[[nodiscard]] Result<void> insert_results(
    postgres::Transaction& transaction, const std::vector<const SealedResult*>& results
);
[[nodiscard]] Result<void> insert_rejected(
    postgres::Transaction& transaction, const std::vector<RejectedRecord>& rejected
);

}  // namespace sluice::audit_writer
