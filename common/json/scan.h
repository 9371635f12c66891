// Hot reading and rewriting: top-level fields found in place, bodies changed by splicing bytes. No
// document is built.
#pragma once

#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::json {

// Spare bytes a buffer must have reserved behind its content for scan(); checked.
inline constexpr std::size_t kScanPadding = 64;
// Members a scanned object may have. Source: ours; the widest known request body has about 40.
inline constexpr std::size_t kScanFieldsMax = 4096;

// Where one top-level member stands in the document. Offsets are bytes from its start.
struct Field {
  std::string_view
      key;  // raw, without quotes; keys with escapes are unescaped into the scan's own storage
  std::size_t key_begin = 0;  // of the opening quote
  std::size_t value_begin = 0;
  std::size_t value_end = 0;  // behind the last byte, white space not included
};

// One pass over a whole top-level object: validates all of it and finds its members.
// Errors: Invalid (not an object, malformed anywhere, duplicate top-level key, deeper than 64, more
// than kScanFieldsMax members), with what to do. The result points into document, which must
// outlive it.
class Scan {
 public:
  // document.capacity() must be at least size() + kScanPadding: call reserve first, or it is
  // reserved here (a copy).
  [[nodiscard]] static Result<Scan> object(std::string& document);

  [[nodiscard]] const Field* find(std::string_view key) const;

  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }

  // Raw bytes of a member's value, or "" when absent.
  [[nodiscard]] std::string_view raw(std::string_view key) const;
  // Errors: Invalid when absent or of another type; the message names the key and the type
  // expected.
  [[nodiscard]] Result<std::string> text(std::string_view key) const;
  [[nodiscard]] Result<bool> flag_or(std::string_view key, bool fallback) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key) const;

 private:
  std::string_view document_;
  std::vector<Field> fields_;
  std::vector<std::unique_ptr<std::string>> unescaped_;  // keys with escapes
};

// One replacement of [begin, end) by text. begin == end inserts.
struct Splice {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view text;
};

// splices sorted by begin and not overlapping (checked). Result has capacity for a later scan.
[[nodiscard]] std::string splice(std::string_view document, std::span<const Splice> splices);

}  // namespace sluice::json
