// What audit-writer stores of one record: its bytes without the body, digest, day, body and result.
// Pure.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::audit_writer {

struct StoredRecord {
  audit::v1::Record fields;  // without the body
  std::int32_t day = 0;      // since 1970-01-01, from the event id
  std::string bytes;         // as the producer wrote them, field 52 (body) cut out
  std::string sha256;        // of all bytes the producer wrote
  std::string body;          // redacted and bounded; may be empty
  std::string exact_result;  // of a write's or delete's outcome, to be sealed; else empty
};

// Bytes that cannot become a record.
struct RejectedRecord {
  std::string sha256;
  std::string reason;
  std::string event_id;  // as far as known
  std::string bytes;     // the beginning
  std::uint64_t bytes_total = 0;
};

// Days since 1970-01-01 of a time.
[[nodiscard]] std::int64_t day_of(std::int64_t unix_ms);

// Errors: Invalid; the message is the reason to keep with the bytes.
[[nodiscard]] Result<StoredRecord> store_form(std::string_view bytes);
[[nodiscard]] RejectedRecord reject(
    std::string_view bytes, std::string reason, std::string event_id = ""
);

// Serialized protobuf without the top-level occurrences of one length-delimited field, otherwise
// byte for byte. Errors: Invalid.
[[nodiscard]] Result<std::string> without_field(std::string_view message, std::uint32_t field);

}  // namespace sluice::audit_writer
