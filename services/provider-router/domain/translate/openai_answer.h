// A plain answer of an OpenAI-compatible provider: passed through as bytes; usage, finish reason
// and tool calls are read in place. Only members OpenAI requires and the provider left out are
// added.
#pragma once

#include "services/provider-router/domain/translate/answer.h"

#include <cstdint>

namespace sluice::provider_router {

struct AnswerSource {
  std::string_view provider;
  std::string_view model;  // for a provider that does not repeat it
  std::int64_t now_unix_s = 0;
  std::string_view fallback_id;  // for a provider that sends none: "chatcmpl-…"
};

[[nodiscard]] AnswerOrFailure openai_answer(std::string body, const AnswerSource& source);

}  // namespace sluice::provider_router
