// Tool messages: the result of an MCP tool call as the message an OpenAI conversation goes on with.
// Nothing is lost on the way.
#pragma once

#include "services/ingress/domain/tool_call.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::ingress {

// What a tool call came to.
struct ToolOutcome {
  std::string result;  // JSON-RPC result member; empty when error is set
  std::string error;   // JSON-RPC error member
};

// {"role":"tool","content":…,"tool_call_id":…} or
// {"type":"function_call_output","call_id":…,"output":…}.
//
// Shape: content is the text blocks joined by line ends when there are only text blocks; with
// others an array of text parts, the others as their JSON; structuredContent's JSON when there is
// no block. "is_error":true is added for isError and for JSON-RPC errors. Errors: Unavailable (the
// server's result is not a tool result).
[[nodiscard]] Result<std::string> tool_message(
    const ToolOutcome& outcome, std::string_view call_id, CallFormat format
);

// The same with content of the gateway's own.
enum class IsError : std::uint8_t { No, Yes };
[[nodiscard]] std::string text_message(
    std::string_view text, IsError is_error, std::string_view call_id, CallFormat format
);

// The same from what the trail kept of an earlier execution: a result, or an error member. Empty
// when it is no longer kept: then the message says so and carries "body_expired":true.
[[nodiscard]] Result<std::string> recorded_tool_message(
    std::string_view kept, std::string_view call_id, CallFormat format
);

}  // namespace sluice::ingress
