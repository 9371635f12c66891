// Approvals as JSON, the same in the management API and in webhooks. Pure.
#pragma once

#include "common/json/value.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string>

namespace sluice::grant {

// {"id","state","tenant","principal","agent","server","tool","effect_class","arguments","required",
// "rule","reason","policy_version","chain_id","tool_call_id","created_at","expires_at","answers":
// [{"principal","action","reason","at"}],"end_reason"}. arguments: an object, or a text where
// masking its secrets left no JSON. The approval's arguments are masked already.
[[nodiscard]] json::Value approval_form(const policy::v1::Approval& approval);

// RFC 3339, UTC, with milliseconds.
[[nodiscard]] std::string rfc3339_of(std::int64_t unix_ms);

}  // namespace sluice::grant
