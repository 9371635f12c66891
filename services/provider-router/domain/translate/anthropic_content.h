// Content parts of OpenAI's messages as Anthropic's content blocks.
#pragma once

#include "common/json/value.h"

#include <string>

namespace sluice::provider_router {

// text, image_url (data URL or https), file (data URL, file_id) and, as they are, Anthropic's own
// blocks text and document. where: for messages, "messages[2].content". Empty text parts are left
// out: Anthropic refuses them. Errors: Invalid.
[[nodiscard]] Result<json::Array> anthropic_blocks(
    const json::Array& parts, const std::string& where
);

// A text block.
[[nodiscard]] json::Value text_block(std::string_view text);

// Copies "cache_control" when present.
void copy_cache_control(const json::Value& from, json::Value& to);

// {type:tool_use,…} of an OpenAI tool call. Errors: Invalid (arguments are no JSON object).
[[nodiscard]] Result<json::Value> tool_use_block(const json::Value& call, const std::string& where);

// thinking and redacted_thinking blocks of a message's reasoning_details; only signed ones, others
// Anthropic refuses.
[[nodiscard]] json::Array thinking_blocks(const json::Value& message);

}  // namespace sluice::provider_router
