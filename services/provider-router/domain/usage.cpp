#include "services/provider-router/domain/usage.h"

#include "services/provider-router/domain/json_walk.h"

namespace sluice::provider_router {
namespace {

void replace(const json::Value& usage, std::string_view key, std::int64_t& out) {
  const json::Value* value = usage.find(key);
  if (value == nullptr) {
    return;
  }
  if (const auto number = value->as_int()) {
    out = *number;
  }
}

}  // namespace

Usage openai_usage(std::string_view raw) {
  Usage usage;
  each_member(raw, [&usage](std::string_view key, std::string_view value) {
    if (key == "prompt_tokens") {
      usage.prompt_tokens = integer_of(value);
    } else if (key == "completion_tokens") {
      usage.completion_tokens = integer_of(value);
    } else if (key == "total_tokens") {
      usage.total_tokens = integer_of(value);
    } else if (key == "prompt_tokens_details") {
      usage.cached_tokens = integer_of(member(value, "cached_tokens"), usage.cached_tokens);
    } else if (key == "prompt_cache_hit_tokens" || key == "cached_tokens") {
      usage.cached_tokens = integer_of(value, usage.cached_tokens);
    } else if (key == "completion_tokens_details") {
      usage.reasoning_tokens = integer_of(member(value, "reasoning_tokens"));
    }
    return true;
  });
  const bool reasoning_apart =
      usage.reasoning_tokens > 0 &&
      usage.total_tokens == usage.prompt_tokens + usage.completion_tokens + usage.reasoning_tokens;
  if (reasoning_apart) {
    usage.completion_tokens += usage.reasoning_tokens;
  }
  if (usage.total_tokens == 0) {
    usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  }
  return usage;
}

void AnthropicUsage::replace_from(const json::Value& usage) {
  replace(usage, "input_tokens", input);
  replace(usage, "cache_read_input_tokens", cache_read);
  replace(usage, "cache_creation_input_tokens", cache_creation);
  replace(usage, "output_tokens", output);
  if (const json::Value* details = usage.find("output_tokens_details")) {
    replace(*details, "thinking_tokens", thinking);
  }
}

Usage AnthropicUsage::to_usage() const {
  Usage usage;
  usage.prompt_tokens = input + cache_read + cache_creation;
  usage.completion_tokens = output;
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  usage.cached_tokens = cache_read;
  usage.reasoning_tokens = thinking;
  return usage;
}

std::string usage_json(const Usage& usage) {
  return "{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
         ",\"completion_tokens\":" + std::to_string(usage.completion_tokens) +
         ",\"total_tokens\":" + std::to_string(usage.total_tokens) +
         ",\"prompt_tokens_details\":{\"cached_tokens\":" + std::to_string(usage.cached_tokens) +
         "},\"completion_tokens_details\":{\"reasoning_tokens\":" +
         std::to_string(usage.reasoning_tokens) + "}}";
}

}  // namespace sluice::provider_router
