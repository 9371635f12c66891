// Reads choices and deltas of OpenAI's shape, and straightens what compatible providers bend. For
// openai_answer and openai_stream.
#pragma once

#include "services/provider-router/domain/translate/answer.h"

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace sluice::provider_router {

// Adds the tool calls of a message (whole) to calls.
void read_tool_calls(std::string_view raw_tool_calls, std::vector<ToolCall>& calls);
// Adds pieces of tool calls, as a delta brings them: by "index", or by place where the provider
// sends none.
void merge_tool_call_deltas(std::string_view raw_tool_calls, std::vector<ToolCall>& calls);

// Mistral writes content as a list of parts: text parts become the content string, thinking parts
// reasoning_content. holder: "message" or "delta". Errors: Invalid (document is no valid JSON).
[[nodiscard]] Result<std::string> with_plain_content(
    std::string_view document, std::string_view holder
);

}  // namespace sluice::provider_router
