// An Anthropic message as a chat.completion.
//
// Text blocks become content, tool_use blocks tool_calls, thinking becomes reasoning_content and,
// with its signature, an entry of reasoning_details, which a client sends back unchanged with the
// assistant message. Server tools' blocks are left out.
#pragma once

#include "services/provider-router/domain/translate/answer.h"
#include "services/provider-router/domain/translate/openai_answer.h"

namespace sluice::provider_router {

[[nodiscard]] AnswerOrFailure anthropic_answer(std::string_view body, const AnswerSource& source);

// Anthropic's stop_reason as OpenAI's finish_reason. Unknown ones are "stop".
[[nodiscard]] std::string_view finish_reason_of(std::string_view stop_reason);

// {"type":"reasoning.text",…} or {"type":"reasoning.encrypted",…}. Source: OpenRouter's shape of
// reasoning_details.
[[nodiscard]] std::string reasoning_text_detail(
    std::string_view text, std::string_view signature, std::size_t index
);
[[nodiscard]] std::string reasoning_encrypted_detail(std::string_view data, std::size_t index);

}  // namespace sluice::provider_router
