// ToolCall: one call as POST /v1/mcp/tool/execute takes it, and the identity under which policy
// decides on it.
#pragma once

#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/ports.h"

#include "common/base/result.h"
#include "common/json/value.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::ingress {

// How the call is written and its answer wanted: ?format=chat (default) or ?format=responses.
enum class CallFormat : std::uint8_t { Chat, Responses };

// Errors: Invalid (another format).
[[nodiscard]] Result<CallFormat> call_format_of(std::string_view query);

struct ToolCall {
  std::string id;  // given, or made when the body has none
  bool id_given = false;
  std::string name;       // as the model sees it
  std::string arguments;  // canonical JSON object

  // Chat: {id, type, function{name, arguments}}, of which only function.name is required.
  // Responses: {call_id, name, arguments}. Errors: Invalid; the message names the member and what
  // to send.
  [[nodiscard]] static Result<ToolCall> parse(std::string_view body, CallFormat format);
  // One of MCP's tools/call, under an id of its own. Errors: Invalid (arguments is no object).
  [[nodiscard]] static Result<ToolCall> of(std::string name, const json::Value* arguments);
};

// 16 bytes. For writes, deletes and unknown effects it follows from the call, so that executing it
// again meets the first grant; for reads it is random.
[[nodiscard]] std::string decision_id_of(
    const Owner& owner, const ChainId& chain, const ToolCall& call, const ToolEntry& tool
);

}  // namespace sluice::ingress
