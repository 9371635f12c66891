// Applies migrations/*.sql (0001_name.sql, 0002_… without gaps) in order, each in one transaction,
// and records them with their SHA-256 in public.sluice_migrations.
#pragma once

#include "common/base/result.h"
#include "common/postgres/pool.h"

#include <string>
#include <vector>

namespace sluice::postgres {

struct MigrationReport {
  std::vector<std::string> applied;  // file names, this time
  int already = 0;
};

// Blocking; for the one-shot migrate step, with the owner role. Errors: Conflict (an applied file
// was edited, or numbers have gaps), Unavailable, Internal (a statement failed; the message names
// file and line).
[[nodiscard]] Result<MigrationReport> migrate(const Options& options, const std::string& folder);

}  // namespace sluice::postgres
