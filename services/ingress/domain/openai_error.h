// Answers of the OpenAI routes that carry more than a code and a message. Plain errors are made by
// http/error_map.h.
#pragma once

#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/http/message.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::ingress {

enum class ShouldRetry : std::uint8_t { Yes, No };

// An error object with a code of ours; members are added to it as strings.
struct OpenaiError {
  int status = 500;
  std::string type;  // "permission_error", "conflict_error", …
  std::string code;  // "tool_denied", "approval_required", "in_progress", …
  std::string message;
  std::vector<std::pair<std::string, std::string>> members;
  ShouldRetry should_retry = ShouldRetry::No;
};

[[nodiscard]] http::HttpResponse response_of(const OpenaiError& error);

[[nodiscard]] http::HttpResponse json_response(int status, std::string body);

// Of a chat that is streamed.
[[nodiscard]] http::Headers event_headers();
[[nodiscard]] http::Headers event_headers(const ChainId& chain);

}  // namespace sluice::ingress
