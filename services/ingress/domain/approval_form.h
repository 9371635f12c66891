// Approvals as JSON, and what people send about them. Pure.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

// Approvals of /api/approvals, each in the form of grant::approval_form.
[[nodiscard]] std::string approvals_json(const policy::v1::ListApprovalsReply& reply);
[[nodiscard]] std::string changed_json(const policy::v1::ApprovalChanged& changed);

// {"action":"approve"|"deny","reason"?}. Errors: Invalid.
[[nodiscard]] Result<policy::v1::AnswerApprovalRequest> parse_answer(
    const std::string& id, std::string_view body
);

}  // namespace sluice::ingress
