// Token counts of one answer in OpenAI's sense, from each provider's own count.
#pragma once

#include "common/json/value.h"

#include <cstdint>
#include <string_view>

namespace sluice::provider_router {

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;  // reasoning included
  std::int64_t total_tokens = 0;
  std::int64_t cached_tokens = 0;     // part of prompt_tokens
  std::int64_t reasoning_tokens = 0;  // part of completion_tokens

  friend bool operator==(const Usage&, const Usage&) = default;
};

// Reads the raw text of an OpenAI "usage" object (valid JSON). xAI counts reasoning beside
// completion_tokens: it is added. DeepSeek and Together name cached tokens differently.
[[nodiscard]] Usage openai_usage(std::string_view raw);

// Anthropic's counts; a later message replaces only the members it names.
// Source: providers.md 3: input_tokens excludes cache reads and writes.
struct AnthropicUsage {
  std::int64_t input = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_creation = 0;
  std::int64_t output = 0;
  std::int64_t thinking = 0;

  void replace_from(const json::Value& usage);
  [[nodiscard]] Usage to_usage() const;
};

// {"prompt_tokens":…} as OpenAI writes it.
[[nodiscard]] std::string usage_json(const Usage& usage);

}  // namespace sluice::provider_router
