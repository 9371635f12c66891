#include "services/audit-writer/domain/stored_record.h"

#include "services/audit-writer/limits.h"

#include "common/audit/limits.h"
#include "common/audit/record.h"
#include "common/audit/redact.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <google/protobuf/stubs/logging.h>

#include <limits>

namespace sluice::audit_writer {
namespace {

constexpr std::uint32_t kBodyField = audit::v1::Record::kBodyFieldNumber;
constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::size_t kEventIdLength = 36;

Error unreadable() {
  return {Code::Invalid, "the bytes are no Record"};
}

// Base-128 varint at the front of bytes, taken off.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) {
      return value;
    }
  }
  return std::nullopt;
}

// Bytes of the field's content behind its tag.
std::optional<std::size_t> content_size(std::uint32_t wire_type, std::string_view bytes) {
  const std::string_view before = bytes;
  switch (wire_type) {
    case 0:
      return take_varint(bytes) ? std::optional(before.size() - bytes.size()) : std::nullopt;
    case 1:
      return 8;
    case 2: {
      const auto length = take_varint(bytes);
      if (!length || *length > bytes.size()) {
        return std::nullopt;
      }
      return before.size() - bytes.size() + static_cast<std::size_t>(*length);
    }
    case 5:
      return 4;
    default:
      return std::nullopt;  // groups do not occur in proto3
  }
}

Result<void> check_bounds(const audit::v1::Record& record) {
  constexpr auto kBigint = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (record.producer().empty() || record.instance().empty() || record.action().empty()) {
    return Error(Code::Invalid, "producer, instance or action is missing");
  }
  if (record.sequence() == 0 || record.sequence() > kBigint || record.boot() > kBigint) {
    return Error(Code::Invalid, "sequence or boot is out of range");
  }
  if (record.policy_version() > kBigint || record.latency_us() > kBigint) {
    return Error(Code::Invalid, "policy version or latency is out of range");
  }
  if (record.wall_unix_ms() < 0 || record.wall_unix_ms() > kUnixMsMax ||
      record.deadline_unix_ms() < 0 || record.deadline_unix_ms() > kUnixMsMax) {
    return Error(Code::Invalid, "wall time or deadline is out of range");
  }
  return {};
}

void split_body(StoredRecord& stored) {
  std::string body = std::move(*stored.fields.mutable_body());
  stored.fields.clear_body();
  if (body.empty()) {
    return;
  }
  if (!audit::keeps_exact_result(stored.fields)) {
    // Redacted by the producer; bounded again, because nothing from outside decides our sizes.
    stored.body = std::string(audit::clip_utf8(body, audit::kBodyBytesMax));
    return;
  }
  stored.body = audit::redact(audit::clip_utf8(body, 2 * audit::kBodyBytesMax));
  stored.body.resize(audit::clip_utf8(stored.body, audit::kBodyBytesMax).size());
  stored.exact_result = std::move(body);
}

}  // namespace

std::int64_t day_of(std::int64_t unix_ms) {
  return unix_ms / kMsPerDay;
}

Result<std::string> without_field(std::string_view message, std::uint32_t field) {
  std::string out;
  out.reserve(message.size());
  while (!message.empty()) {
    std::string_view rest = message;
    const auto tag = take_varint(rest);
    if (!tag || (*tag >> 3U) == 0) {
      return unreadable();
    }
    const auto content = content_size(static_cast<std::uint32_t>(*tag & 7U), rest);
    if (!content || *content > rest.size()) {
      return unreadable();
    }
    const std::size_t size = message.size() - rest.size() + *content;
    if ((*tag >> 3U) != field) {
      out.append(message.substr(0, size));
    }
    message.remove_prefix(size);
  }
  return out;
}

Result<StoredRecord> store_form(std::string_view bytes) {
  // The library prints a line for a string that is no UTF-8; a bad record must not fill the log
  // that way.
  const google::protobuf::LogSilencer silencer;
  StoredRecord stored;
  if (bytes.size() > audit::kRecordBytesMax ||
      !stored.fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return unreadable();
  }
  const std::int64_t made = crypto::uuid_v7_unix_ms(stored.fields.event_id());
  if (made < 0 || stored.fields.event_id().size() != kEventIdLength) {
    return Error(Code::Invalid, "the event id is no UUIDv7");
  }
  SLUICE_CHECK_OK(check_bounds(stored.fields));
  SLUICE_TRY(stored.bytes, without_field(bytes, kBodyField));
  stored.day = static_cast<std::int32_t>(day_of(made));
  stored.sha256 = crypto::sha256(bytes);
  split_body(stored);
  return stored;
}

RejectedRecord reject(std::string_view bytes, std::string reason, std::string event_id) {
  constexpr std::size_t kEventIdKept = 64;
  return {
      .sha256 = crypto::sha256(bytes),
      .reason = std::move(reason),
      .event_id = std::string(audit::clip_utf8(event_id, kEventIdKept)),
      .bytes = std::string(bytes.substr(0, kRejectedBytesMax)),
      .bytes_total = bytes.size()
  };
}

}  // namespace sluice::audit_writer
