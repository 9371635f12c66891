// OpenAI's messages as Anthropic's system prompt and turns.
#pragma once

#include "common/json/value.h"

namespace sluice::provider_router {

struct AnthropicMessages {
  json::Value system;    // null, a string, or text blocks
  json::Value messages;  // user and assistant turns, alternating
  bool last_tool_turn_unsigned =
      false;  // the last assistant turn calls tools without signed thinking before it
};

// System and developer messages are lifted; consecutive turns of one role are merged; the results
// of one assistant turn become tool_result blocks of one user message, before any text of it.
// Errors: Invalid.
[[nodiscard]] Result<AnthropicMessages> anthropic_messages(const json::Value& messages);

}  // namespace sluice::provider_router
