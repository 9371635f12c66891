#include "services/ingress/domain/agent_body.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"

#include <algorithm>
#include <vector>

namespace sluice::ingress {
namespace {

constexpr std::string_view kAuto = "\"auto\"";

// What replaces a tool_choice in later rounds; empty: nothing does.
std::string later_choice(std::string_view raw) {
  if (raw.starts_with('"')) {
    return raw == "\"required\"" ? std::string(kAuto) : std::string();
  }
  if (!raw.starts_with('{')) {
    return {};
  }
  auto choice = json::parse(raw);
  if (!choice.ok() || choice.value().text_or("type", "") != "allowed_tools") {
    return std::string(kAuto);
  }
  json::Value* allowed = choice.value().find("allowed_tools");
  if (allowed == nullptr || allowed->as_object() == nullptr) {
    return {};
  }
  allowed->as_object()->set("mode", "auto");
  return json::write(choice.value());
}

}  // namespace

Result<AgentBody> AgentBody::of(std::string body) {
  AgentBody made;
  made.body_ = std::move(body);
  made.body_.reserve(made.body_.size() + json::kScanPadding);
  SLUICE_TRY(const json::Scan scan, json::Scan::object(made.body_));
  const json::Field* messages = scan.find("messages");
  if (messages == nullptr) {
    return Error(Code::Invalid, "messages is missing; send an array of messages");
  }
  made.messages_end_ = messages->value_end - 1;
  if (const json::Field* choice = scan.find("tool_choice"); choice != nullptr) {
    made.choice_begin_ = choice->value_begin;
    made.choice_end_ = choice->value_end;
    made.later_choice_ = later_choice(scan.raw("tool_choice"));
  }
  if (const json::Field* tools = scan.find("tools"); tools != nullptr) {
    made.tools_begin_ = tools->value_begin;
    made.tools_end_ = tools->value_end;
  }
  return made;
}

Result<std::string> AgentBody::continued(std::string_view messages) const {
  if (body_.size() + messages.size() + later_choice_.size() + 1 > kSplicedBodyBytesMax) {
    return Error(
        Code::Invalid,
        "the conversation has become too large with the results of its tools; ask for less at "
        "once, or go on from sluice.transcript with fewer messages"
    );
  }
  std::vector<json::Splice> splices{
      {messages_end_, messages_end_, messages.empty() ? "" : ","},
      {messages_end_, messages_end_, messages}
  };
  if (!later_choice_.empty()) {
    const json::Splice choice{choice_begin_, choice_end_, later_choice_};
    splices.insert(choice_begin_ < messages_end_ ? splices.begin() : splices.end(), choice);
  }
  return json::splice(body_, splices);
}

const std::set<std::string>& AgentBody::tool_names() {
  if (names_read_) {
    return names_;
  }
  names_read_ = true;
  const auto tools =
      json::parse(std::string_view(body_).substr(tools_begin_, tools_end_ - tools_begin_));
  if (!tools.ok() || tools.value().as_array() == nullptr) {
    return names_;
  }
  for (const json::Value& tool : *tools.value().as_array()) {
    for (const std::string_view kind : {"function", "custom"}) {
      if (const json::Value* definition = tool.find(kind); definition != nullptr) {
        names_.insert(definition->text_or("name", ""));
      }
    }
  }
  return names_;
}

}  // namespace sluice::ingress
