// An answer in OpenAI's shape, and what the gateway reads of it. The same for all providers.
#pragma once

#include "services/provider-router/domain/error_kind.h"
#include "services/provider-router/domain/usage.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::provider_router {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text as the model wrote it; may be invalid
};

// Of choice 0, except usage.
struct AnswerFacts {
  Usage usage;
  std::string finish_reason;
  std::vector<ToolCall> tool_calls;  // at most kToolCallsMax
};

struct Answer {
  std::string body;  // a chat.completion
  AnswerFacts facts;
};

using AnswerOrFailure = std::variant<Answer, Failure>;

// Turns the bytes of an upstream stream into OpenAI's events. One per attempt; single use.
class StreamTranslator {
 public:
  StreamTranslator() = default;
  StreamTranslator(const StreamTranslator&) = delete;
  StreamTranslator& operator=(const StreamTranslator&) = delete;
  StreamTranslator(StreamTranslator&&) = delete;
  StreamTranslator& operator=(StreamTranslator&&) = delete;
  virtual ~StreamTranslator() = default;

  // Appends complete "data: …\n\n" events to out. A Failure ends the stream; what was appended
  // before it is good.
  [[nodiscard]] virtual std::optional<Failure> feed(std::string_view bytes, std::string& out) = 0;
  // At the end of the upstream body. A Failure when the answer was cut off.
  [[nodiscard]] virtual std::optional<Failure> finish(std::string& out) = 0;
  // True when the answer is whole: what happens to the connection after it does not matter.
  [[nodiscard]] virtual bool complete() const = 0;
  // True when the provider has said that nothing more will come.
  [[nodiscard]] virtual bool ended() const = 0;
  [[nodiscard]] virtual const AnswerFacts& facts() const = 0;
};

}  // namespace sluice::provider_router
