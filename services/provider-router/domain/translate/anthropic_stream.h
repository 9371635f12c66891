// The stream of an Anthropic message as chat.completion.chunk events.
#pragma once

#include "services/provider-router/domain/translate/answer.h"
#include "services/provider-router/domain/translate/chunk_events.h"
#include "services/provider-router/domain/translate/openai_answer.h"
#include "services/provider-router/limits.h"

#include "common/http/sse.h"
#include "common/json/value.h"

#include <map>
#include <optional>

namespace sluice::provider_router {

class AnthropicStream final : public StreamTranslator {
 public:
  AnthropicStream(const AnswerSource& source, bool usage_asked);

  [[nodiscard]] std::optional<Failure> feed(std::string_view bytes, std::string& out) override;
  [[nodiscard]] std::optional<Failure> finish(std::string& out) override;

  [[nodiscard]] bool complete() const override { return stopped_; }

  [[nodiscard]] bool ended() const override { return stopped_; }

  [[nodiscard]] const AnswerFacts& facts() const override { return facts_; }

 private:
  // A content block between its start and stop.
  struct Block {
    std::string type;
    std::size_t tool = 0;  // place among the tool calls: block indices count text too
    std::string thinking;
    std::string signature;
    std::string whole_input;  // given at the start already
  };

  std::optional<Failure> take(const http::SseEvent& event, std::string& out);
  void start_message(const json::Value& data, std::string& out);
  void start_block(const json::Value& data, std::string& out);
  void grow_block(const json::Value& data, std::string& out);
  void stop_block(const json::Value& data, std::string& out);
  void finish_message(const json::Value& data, std::string& out);
  [[nodiscard]] Block* block_of(const json::Value& data);

  std::string provider_;
  std::string model_;
  std::string id_;
  std::int64_t created_unix_s_;
  bool usage_asked_;
  http::SseParser parser_{kEventBytesMax};
  std::optional<ChunkEvents> chunks_;  // from message_start on
  std::map<std::int64_t, Block> blocks_;
  AnthropicUsage usage_;
  AnswerFacts facts_;
  bool stopped_ = false;
};

}  // namespace sluice::provider_router
