// What an MCP client is asked of a call that waits for people, and its answer. Pure.
#pragma once

#include "services/ingress/domain/mcp_input.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::ingress {

// Of the one question, in a request's inputRequests and in its inputResponses.
inline constexpr std::string_view kApprovalKey = "approval";

// Whether a client that declared these capabilities fills in forms.
[[nodiscard]] bool fills_in_forms(std::string_view capabilities);

// Elicitation in form mode: what is to be approved, with all its arguments (secrets masked), and
// until when. may_answer: the client's person may, and is asked for {"decision", "reason"?}; else
// the form is empty and says who may.
[[nodiscard]] Question approval_question(const policy::v1::Approval& approval, bool may_answer);

// How a modern client is asked; its requestState names the approval.
[[nodiscard]] InputNeeded approval_needed(const policy::v1::Approval& approval, bool may_answer);

// A client's answer.
struct ApprovalResponse {
  bool declined = false;        // or cancelled, or an error
  std::optional<bool> approve;  // what its person decided; none: it waits for somebody else
  std::string reason;
};

// response: {"result":…} or {"error":…}; "" for none.
[[nodiscard]] ApprovalResponse approval_response_in(std::string_view response);

}  // namespace sluice::ingress
