#include "services/ingress/domain/mcp_approval_form.h"

#include "common/grant/approval_form.h"
#include "common/grant/policy_names.h"
#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/protocol.h"

#include <utility>

namespace sluice::ingress {
namespace {

using policy::v1::Approval;

// Source: policy.proto, AnswerApprovalRequest.reason.
constexpr int kReasonCharactersMax = 1'000;

std::string call_text(const Approval& approval) {
  std::string text = "Tool " + approval.tool() + " of server " + approval.server() + " (";
  text.append(name_of(approval.effect_class()))
      .append(") is called by ")
      .append(approval.principal())
      .append(" and needs the approval of ")
      .append(approval.required() == policy::v1::VERDICT_APPROVE_TWICE ? "two people" : "a person")
      .append(" (rule ")
      .append(approval.rule())
      .append(approval.reason().empty() ? ")." : "): " + approval.reason());
  text.append("\nApproval: ").append(approval.id());
  text.append("\nUntil: ").append(grant::rfc3339_of(approval.expires_unix_ms()));
  for (const policy::v1::ApprovalAnswer& answer : approval.answers()) {
    text.append("\nApproved by: ").append(answer.principal());
  }
  return text.append("\nArguments: ").append(approval.arguments());
}

json::Value decision_schema() {
  return json::object({
      {"type", "object"},
      {"properties",
       json::object({
           {"decision",
            json::object({
                {"type", "string"},
                {"title", "Decision"},
                {"enum", json::Array{json::Value("approve"), json::Value("deny")}},
            })},
           {"reason",
            json::object({
                {"type", "string"},
                {"title", "Reason"},
                {"maxLength", kReasonCharactersMax},
            })},
       })},
      {"required", json::Array{json::Value("decision")}},
  });
}

json::Value empty_schema() {
  return json::object({{"type", "object"}, {"properties", json::Value(json::Object())}});
}

}  // namespace

bool fills_in_forms(std::string_view capabilities) {
  return may_be_asked(
      capabilities,
      {.key = {}, .method = std::string(mcp::kElicitationCreate), .params = R"({"mode":"form"})"}
  );
}

Question approval_question(const Approval& approval, bool may_answer) {
  std::string text = call_text(approval);
  if (!may_answer) {
    text.append(
            "\nSomebody else with the role approver answers it, in the console or by POST "
            "/api/approvals/"
    )
        .append(approval.id())
        .append(". Accept to go on waiting; the call runs once it is approved.");
  }
  return {
      .key = std::string(kApprovalKey),
      .method = std::string(mcp::kElicitationCreate),
      .params = json::write(json::object({
          {"message", std::move(text)},
          {"requestedSchema", may_answer ? decision_schema() : empty_schema()},
      })),
  };
}

InputNeeded approval_needed(const Approval& approval, bool may_answer) {
  const Question question = approval_question(approval, may_answer);
  return {
      .server_id = std::string(kApprovalStateServer),
      .server = {},
      .method = std::string(mcp::kToolsCall),
      .request_id = approval.id(),
      .requests = R"({")" + question.key + R"(":{"method":")" + question.method + R"(","params":)" +
                  question.params + "}}",
  };
}

ApprovalResponse approval_response_in(std::string_view response) {
  ApprovalResponse read;
  const auto parsed = json::parse(response);
  if (!parsed.ok()) {
    return read;
  }
  const json::Value* const result = parsed.value().find("result");
  if (result == nullptr || result->text_or("action", "") != "accept") {
    read.declined = true;
    return read;
  }
  const json::Value* const content = result->find("content");
  const std::string decision = content == nullptr ? "" : content->text_or("decision", "");
  if (decision == "approve" || decision == "deny") {
    read.approve = decision == "approve";
    read.reason = content->text_or("reason", "");
  }
  return read;
}

}  // namespace sluice::ingress
