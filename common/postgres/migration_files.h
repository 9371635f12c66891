// The migration files of a folder, in order. Internal.
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::postgres {

struct MigrationFile {
  std::int64_t number = 0;
  std::string name;  // "0001_audit.sql"
  std::string sql;
  std::string sha256;  // 32 bytes
};

// Errors: NotFound (no folder, no file), Conflict (a number twice or left out), Invalid (a name
// without a number, an empty file).
[[nodiscard]] Result<std::vector<MigrationFile>> read_migrations(const std::string& folder);

// "line 3" out of PostgreSQL's text for a failed statement, or "" when it names none.
[[nodiscard]] std::string line_in(std::string_view error_text);

}  // namespace sluice::postgres
