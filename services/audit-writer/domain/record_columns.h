// Columns of audit.records out of records, as array literals for one INSERT … SELECT unnest(…).
// Pure text; every value is quoted, so what a field says can never be SQL.
#pragma once

#include "services/audit-writer/domain/stored_record.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit_writer {

// One array literal of Postgres: {"…","…",NULL}.
class ArrayLiteral {
 public:
  void add(std::string_view text);         // U+0000 becomes U+FFFD: Postgres text cannot hold it
  void add_bytes(std::string_view bytes);  // bytea, as \x…
  void add_number(std::int64_t number);
  void add_null();
  [[nodiscard]] std::string take();

 private:
  void separate();

  std::string text_ = "{";
};

struct ColumnArray {
  std::string_view name;
  std::string_view type;  // element type the literal is cast to
  std::string literal;
};

// One entry per column, each with one element per record.
[[nodiscard]] std::vector<ColumnArray> record_columns(std::span<const StoredRecord* const> records);

// True when a Postgres text column can hold it.
[[nodiscard]] bool fits_text(std::string_view bytes);

}  // namespace sluice::audit_writer
