#include "services/ingress/domain/agent_calls.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/limits.h"

#include "common/json/write.h"

#include <set>
#include <utility>

namespace sluice::ingress {
namespace {

std::string name_in(const json::Value& call) {
  const json::Value* function = call.find("function");
  return function == nullptr ? std::string() : function->text_or("name", "");
}

bool is_callers(
    const json::Value& call,
    const std::string& name,
    const CatalogSnapshot& snapshot,
    AgentBody& body
) {
  if (call.text_or("type", "function") != "function") {
    return true;
  }
  if (snapshot.offers_code() && is_meta_tool(name)) {
    return false;
  }
  return snapshot.find_offered(name) == nullptr && body.tool_names().contains(name);
}

AgentCall sorted(const json::Value& call, const CatalogSnapshot& snapshot, AgentBody& body) {
  AgentCall out;
  const std::string name = name_in(call);
  if (is_callers(call, name, snapshot, body)) {
    out.kind = AgentCall::Kind::Caller;
    out.call.name = name;
  } else if (auto parsed = ToolCall::parse(json::write(call), CallFormat::Chat); parsed.ok()) {
    out.call = std::move(parsed).value();
    if (snapshot.offers_code() && is_meta_tool(name)) {
      out.kind = name == kExecuteToolCode ? AgentCall::Kind::Script : AgentCall::Kind::Reading;
    }
  } else {
    out.kind = AgentCall::Kind::Malformed;
    out.call.name = name;
    out.fault = parsed.error().message();
  }
  out.call.id = call.text_or("id", "");
  return out;
}

}  // namespace

const json::Array* tool_calls_of(const json::Value& message) {
  const json::Value* calls = message.find("tool_calls");
  const json::Array* items = calls == nullptr ? nullptr : calls->as_array();
  return items == nullptr || items->empty() ? nullptr : items;
}

std::optional<std::vector<AgentCall>> agent_calls_of(
    const json::Value& message, const CatalogSnapshot& snapshot, AgentBody& body
) {
  std::vector<AgentCall> out;
  const json::Array* calls = tool_calls_of(message);
  if (calls == nullptr) {
    return out;
  }
  if (calls->size() > kAgentCallsMax) {
    return std::nullopt;
  }
  std::set<std::string> ids;
  for (const json::Value& call : *calls) {
    const std::string id = call.text_or("id", "");
    if (id.empty() || id.size() > kToolCallIdBytesMax || !ids.insert(id).second) {
      return std::nullopt;
    }
    out.push_back(sorted(call, snapshot, body));
  }
  return out;
}

}  // namespace sluice::ingress
