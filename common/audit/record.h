// Completes records: ids, sequence, times, and bounds and redaction of what callers put in. Pure
// but for the event id.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::audit {

inline constexpr std::uint32_t kSchemaVersion = 1;

// Actions that this library or audit-writer treats specially.
inline constexpr std::string_view kToolIntent = "tool.intent";
inline constexpr std::string_view kToolOutcome = "tool.outcome";

// Who produces: constant for the life of one client.
struct Producer {
  std::string service;
  std::string instance;
  std::uint64_t boot = 0;
};

struct Times {
  std::int64_t wall_unix_ms = 0;
  std::int64_t monotonic_ns = 0;
};

// True for the outcome of a write or delete: its body is the exact result, kept (sealed, for a day)
// to answer a repeat.
[[nodiscard]] bool keeps_exact_result(const v1::Record& record);

// Bounds free text and the body; the body is redacted unless keeps_exact_result().
void bound(v1::Record& record);

// bound(), and fills event id (unless the caller chose one), producer, sequence, schema version and
// times.
void complete(v1::Record& record, const Producer& producer, std::uint64_t sequence, Times times);

}  // namespace sluice::audit
