// An OpenAI chat request as an Anthropic Messages request.
//
// Sent: model messages system max_tokens tools tool_choice stream stop_sequences temperature top_p
// metadata output_config thinking; and as they are: top_k, thinking, cache_control wherever it
// stands. Dropped, because Anthropic has nothing like it: seed, penalties, logit_bias, store,
// service_tier, prediction, verbosity and every unknown member. Refused: n above 1, logprobs,
// audio, functions (the older form of tools). Source: providers.md 3 and 12.
#pragma once

#include "common/json/value.h"

#include <cstdint>
#include <string_view>

namespace sluice::provider_router {

struct AnthropicTarget {
  std::string_view model;  // as Anthropic names it
  bool stream = false;
  std::int64_t max_tokens_default = 0;  // when the client gives no limit
};

struct AnthropicBody {
  json::Value body;
  bool usage_asked = false;  // stream_options.include_usage of the client
};

// Errors: Invalid, naming the member and what to send instead.
[[nodiscard]] Result<AnthropicBody> anthropic_request(
    const json::Value& request, const AnthropicTarget& target
);

}  // namespace sluice::provider_router
