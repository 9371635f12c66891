#include "services/ingress/domain/approval_form.h"

#include "common/grant/approval_form.h"
#include "common/grant/policy_names.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <utility>

namespace sluice::ingress {

std::string approvals_json(const policy::v1::ListApprovalsReply& reply) {
  json::Array approvals;
  for (const policy::v1::Approval& approval : reply.approvals()) {
    approvals.push_back(grant::approval_form(approval));
  }
  return json::write(json::object({{"approvals", std::move(approvals)}, {"more", reply.more()}}));
}

std::string changed_json(const policy::v1::ApprovalChanged& changed) {
  return json::write(json::object({
      {"id", changed.id()},
      {"state", name_of(changed.state())},
      {"server", changed.server()},
      {"tool", changed.tool()},
      {"principal", changed.principal()},
  }));
}

Result<policy::v1::AnswerApprovalRequest> parse_answer(
    const std::string& id, std::string_view body
) {
  const auto parsed = json::parse(body);
  const std::string action = parsed.ok() ? parsed.value().text_or("action", "") : "";
  if (action != "approve" && action != "deny") {
    return Error(
        Code::Invalid, R"(send {"action": "approve"} or {"action": "deny"}, with a "reason")"
    );
  }
  const json::Value* const reason = parsed.value().find("reason");
  if (reason != nullptr && !reason->is_string()) {
    return Error(Code::Invalid, "reason is no text; send a sentence, or leave it out");
  }
  policy::v1::AnswerApprovalRequest request;
  request.set_id(id);
  request.set_approve(action == "approve");
  request.set_reason(parsed.value().text_or("reason", ""));
  return request;
}

}  // namespace sluice::ingress
