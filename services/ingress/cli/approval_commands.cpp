#include "services/ingress/cli/approval_commands.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::cli {
namespace {

std::string line_of(const json::Value& approval) {
  return approval.text_or("id", "?") + "  " + approval.text_or("state", "?") + "  " +
         approval.text_or("server", "?") + "-" + approval.text_or("tool", "?") + "  " +
         approval.text_or("required", "?") + "  for " + approval.text_or("principal", "?") +
         "  until " + approval.text_or("expires_at", "?") + "\n";
}

void add_line(
    const json::Value& approval, const std::string& label, std::string_view key, std::string* out
) {
  const json::Value* const value = approval.find(key);
  if (value == nullptr || value->is_null() || (value->is_string() && value->as_string()->empty())) {
    return;
  }
  *out +=
      "  " + label + ": " + (value->is_string() ? *value->as_string() : json::write(*value)) + "\n";
}

std::string answers_text(const json::Value& approval) {
  const json::Value* const answers = approval.find("answers");
  std::string out;
  if (answers == nullptr || answers->as_array() == nullptr) {
    return out;
  }
  for (const json::Value& answer : *answers->as_array()) {
    const std::string reason = answer.text_or("reason", "");
    out += "  " + answer.text_or("action", "?") + " by " + answer.text_or("principal", "?") +
           " at " + answer.text_or("at", "?") + (reason.empty() ? "" : ": " + reason) + "\n";
  }
  return out;
}

// Everything an approver needs to see, the arguments in full.
std::string approval_text(const json::Value& approval) {
  std::string out = line_of(approval);
  add_line(approval, "effect", "effect_class", &out);
  add_line(approval, "arguments", "arguments", &out);
  add_line(approval, "agent", "agent", &out);
  add_line(approval, "rule", "rule", &out);
  add_line(approval, "reason", "reason", &out);
  add_line(approval, "chain", "chain_id", &out);
  add_line(approval, "asked", "created_at", &out);
  add_line(approval, "ended", "end_reason", &out);
  return out + answers_text(approval);
}

Answer shown(const json::Value& approval, Format format) {
  return {
      kExitDone, format == Format::Json ? json::write(approval) + "\n" : approval_text(approval)
  };
}

}  // namespace

Async<Answer> list_approvals(Gateway* gateway, ApprovalQuery query, Format format) {
  std::string path = "/api/approvals?limit=" + std::to_string(query.limit);
  if (!query.state.empty()) {
    path += "&state=" + url_encoded(query.state);
  }
  if (!query.after.empty()) {
    path += "&after=" + url_encoded(query.after);
  }
  SLUICE_CO_TRY(const json::Value reply, co_await gateway->get(std::move(path)));
  if (format == Format::Json) {
    co_return Answer{kExitDone, json::write(reply) + "\n"};
  }
  std::string text;
  std::string last;
  const json::Value* const approvals = reply.find("approvals");
  if (approvals != nullptr && approvals->as_array() != nullptr) {
    for (const json::Value& approval : *approvals->as_array()) {
      text += line_of(approval);
      last = approval.text_or("id", "");
    }
  }
  const json::Value* const more = reply.find("more");
  if (more != nullptr && more->as_bool().value_or(false)) {
    text += "there are more: repeat with --after " + last + "\n";
  }
  co_return Answer{kExitDone, text.empty() ? "no approvals\n" : text};
}

Async<Answer> show_approval(Gateway* gateway, std::string id, Format format) {
  SLUICE_CO_TRY(
      const json::Value approval, co_await gateway->get("/api/approvals/" + url_encoded(id))
  );
  co_return shown(approval, format);
}

Async<Answer> answer_approval(Gateway* gateway, ApprovalAnswer given, Format format) {
  json::Object body;
  body.set("action", given.action);
  if (!given.reason.empty()) {
    body.set("reason", given.reason);
  }
  SLUICE_CO_TRY(
      const json::Value approval,
      co_await gateway->post("/api/approvals/" + url_encoded(given.id), std::move(body))
  );
  co_return shown(approval, format);
}

}  // namespace sluice::cli
