#include "services/ingress/domain/agent_answer.h"

#include "common/grant/policy_names.h"
#include "common/json/write.h"

#include <utility>

namespace sluice::ingress {
namespace {

json::Value approval_json(const PendingApproval& approval) {
  return json::object({
      {"id", approval.id},
      {"tool_call_id", approval.tool_call_id},
      {"server", approval.server},
      {"tool", approval.tool},
      {"required", name_of(approval.required)},
  });
}

json::Value script_json(const WaitingScript& script) {
  json::Array calls;
  for (const auto& call : script.call_set) {
    calls.push_back(json::object({
        {"server", call.server()},
        {"tool", call.tool()},
        {"verdict", name_of(call.verdict())},
        {"rule", call.rule()},
        {"reason", call.reason()},
    }));
  }
  return json::object({{"tool_call_id", script.tool_call_id}, {"call_set", std::move(calls)}});
}

json::Value number_sum(const json::Value& a, const json::Value& b) {
  const auto first = a.as_int();
  const auto second = b.as_int();
  if (first && second) {
    return *first + *second;
  }
  return a.as_double().value_or(0) + b.as_double().value_or(0);
}

// Of two objects as deep as they go; anything else is the later one's.
// NOLINTNEXTLINE(misc-no-recursion): as deep as JSON may be
void add_usage(json::Value& into, const json::Value& more) {
  if (into.is_number() && more.is_number()) {
    into = number_sum(into, more);
    return;
  }
  if (into.as_object() == nullptr || more.as_object() == nullptr) {
    if (!more.is_null()) {
      into = more;
    }
    return;
  }
  for (const auto& [name, value] : more.as_object()->members()) {
    if (json::Value* known = into.find(name); known != nullptr) {
      add_usage(*known, value);
    } else {
      into.as_object()->set(name, value);
    }
  }
}

}  // namespace

void AgentReport::add(std::string_view message) {
  if (!transcript.empty()) {
    transcript.push_back(',');
  }
  transcript.append(message);
}

std::string own_object(const AgentReport& report) {
  json::Array approvals;
  for (const PendingApproval& approval : report.approvals) {
    approvals.push_back(approval_json(approval));
  }
  std::string out = R"({"stop_reason":)";
  json::append_quoted(out, report.stop_reason);
  out.append(R"(,"depth":)").append(std::to_string(report.depth));
  out.append(R"(,"transcript":[)").append(report.transcript).append("]");
  out.append(R"(,"approvals":)").append(json::write(json::Value(std::move(approvals))));
  if (!report.scripts.empty()) {
    json::Array scripts;
    for (const WaitingScript& script : report.scripts) {
      scripts.push_back(script_json(script));
    }
    out.append(R"(,"scripts":)").append(json::write(json::Value(std::move(scripts))));
  }
  out.append(R"(,"usage_by_step":)").append(json::write(json::Value(report.usage_by_step)));
  if (!report.error.is_null()) {
    out.append(R"(,"error":)").append(json::write(report.error));
  }
  return out.append("}");
}

json::Value usage_of(const json::Value* usage, const provider::v1::ChatFinal& final) {
  if (usage != nullptr && usage->is_object()) {
    return *usage;
  }
  const provider::v1::Usage& counted = final.usage();
  return json::object({
      {"prompt_tokens", counted.prompt_tokens()},
      {"completion_tokens", counted.completion_tokens()},
      {"total_tokens", counted.total_tokens()},
      {"prompt_tokens_details", json::object({{"cached_tokens", counted.cached_tokens()}})},
      {"completion_tokens_details", json::object({{"reasoning_tokens", counted.reasoning_tokens()}})
      },
  });
}

json::Value usage_sum(const std::vector<json::Value>& steps) {
  json::Value sum = json::object({});
  for (const json::Value& step : steps) {
    add_usage(sum, step);
  }
  return sum;
}

json::Value answer_message(const json::Value& message, const json::Array& waiting) {
  json::Value answer = message;
  json::Object* members = answer.as_object();
  if (members == nullptr) {
    return answer;
  }
  if (waiting.empty()) {
    members->erase("tool_calls");
  } else {
    members->set("tool_calls", waiting);
  }
  return answer;
}

std::string agent_completion(
    json::Value completion,
    json::Value message,
    const std::string& finish_reason,
    const AgentReport& report
) {
  if (json::Value* choices = completion.find("choices");
      choices != nullptr && choices->as_array() != nullptr && !choices->as_array()->empty()) {
    if (json::Object* choice = choices->as_array()->front().as_object(); choice != nullptr) {
      choice->set("message", std::move(message));
      choice->set("finish_reason", finish_reason);
    }
  }
  if (json::Object* members = completion.as_object(); members != nullptr) {
    members->set("usage", usage_sum(report.usage_by_step));
    members->erase("sluice");
  }
  std::string out = json::write(completion);
  out.pop_back();  // the closing brace
  return out.append(R"(,"sluice":)").append(own_object(report)).append("}");
}

}  // namespace sluice::ingress
