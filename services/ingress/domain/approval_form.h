// Approvals as JSON, and what people send about them. Pure.
#pragma once

#include "common/base/result.h"
#include "common/json/value.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::ingress {

// The approval object of /api/approvals. arguments: an object, or a text where masking its secrets
// left no JSON.
[[nodiscard]] json::Value approval_form(const policy::v1::Approval& approval);
[[nodiscard]] std::string approvals_json(const policy::v1::ListApprovalsReply& reply);
[[nodiscard]] std::string changed_json(const policy::v1::ApprovalChanged& changed);

// {"action":"approve"|"deny","reason"?}. Errors: Invalid.
[[nodiscard]] Result<policy::v1::AnswerApprovalRequest> parse_answer(
    const std::string& id, std::string_view body
);

// RFC 3339, UTC, with milliseconds.
[[nodiscard]] std::string rfc3339_of(std::int64_t unix_ms);

}  // namespace sluice::ingress
