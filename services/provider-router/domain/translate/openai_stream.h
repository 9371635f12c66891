// The stream of an OpenAI-compatible provider: complete events are forwarded as they are; usage,
// finish reason and tool calls are read in place. Comments and [DONE] are not forwarded.
#pragma once

#include "services/provider-router/domain/translate/answer.h"
#include "services/provider-router/limits.h"

#include "common/http/sse.h"

#include <vector>

namespace sluice::provider_router {

class OpenAiStream final : public StreamTranslator {
 public:
  // usage_asked: whether chunks that hold nothing but usage go on to the client.
  OpenAiStream(std::string provider, bool usage_asked)
      : provider_(std::move(provider)), usage_asked_(usage_asked) {}

  [[nodiscard]] std::optional<Failure> feed(std::string_view bytes, std::string& out) override;
  [[nodiscard]] std::optional<Failure> finish(std::string& out) override;
  [[nodiscard]] bool complete() const override;

  [[nodiscard]] bool ended() const override { return done_; }

  [[nodiscard]] const AnswerFacts& facts() const override { return facts_; }

 private:
  // What one chunk's choices say.
  struct Seen {
    bool any = false;
    bool parts = false;  // content as a list
  };

  std::optional<Failure> take(std::string data, std::string& out);
  Seen read_choices(std::string_view choices);
  void read_choice(std::string_view choice, Seen& seen);

  std::string provider_;
  bool usage_asked_;
  http::SseParser parser_{kEventBytesMax};
  AnswerFacts facts_;
  std::vector<bool> open_choices_;  // begun and not finished, by index
  bool finished_any_ = false;
  bool done_ = false;
};

}  // namespace sluice::provider_router
