// The calls of one assistant message, sorted before anyone decides on them. Pure.
#pragma once

#include "services/ingress/domain/agent_body.h"
#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/tool_call.h"

#include "common/json/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

struct AgentCall {
  enum class Kind : std::uint8_t {
    Tool,       // put to policy, also where no server has it: the refusal has a record then
    Caller,     // a tool of the caller's own: it comes back as it is
    Script,     // executeToolCode: runs where every call of its set is automatic
    Reading,    // another meta-tool
    Malformed,  // told to the model
  };

  Kind kind = Kind::Tool;
  ToolCall call;      // its id is that of the message in any case
  std::string fault;  // of a malformed one, for the model
};

// One entry per tool call of the message, in its order. nullopt: the turn cannot be run call by
// call and comes back whole: more than kAgentCallsMax calls, or ids that are missing, repeated or
// too long.
[[nodiscard]] std::optional<std::vector<AgentCall>> agent_calls_of(
    const json::Value& message, const CatalogSnapshot& snapshot, AgentBody& body
);

// The message's tool_calls; nullptr: none.
[[nodiscard]] const json::Array* tool_calls_of(const json::Value& message);

}  // namespace sluice::ingress
