#include "services/provider-router/domain/translate/anthropic_answer.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

const AnswerSource kSource{"claude", "m", 1700000000, "chatcmpl-1"};

TEST(AnthropicAnswer, BecomesAChatCompletion) {
  const auto result = anthropic_answer(
      R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}],
          "stop_reason":"end_turn","usage":{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":6}})",
      kSource
  );

  const Answer& answer = std::get<Answer>(result);
  EXPECT_EQ(
      answer.body,
      R"({"id":"msg_1","object":"chat.completion","created":1700000000,"model":"claude-x","choices":[{"index":0,"message":)"
      R"({"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,)"
      R"("completion_tokens":6,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":0}}})"
  );
  EXPECT_EQ(answer.facts.finish_reason, "stop");
}

TEST(AnthropicAnswer, TurnsToolUseIntoToolCalls) {
  const auto result = anthropic_answer(
      R"({"id":"m","content":[{"type":"tool_use","id":"t1","name":"f","input":{"a":"\"x\""}},{"type":"tool_use","id":"t2","name":"g","input":{}}],"stop_reason":"tool_use"})",
      kSource
  );

  const Answer& answer = std::get<Answer>(result);
  ASSERT_EQ(answer.facts.tool_calls.size(), 2U);
  EXPECT_EQ(answer.facts.tool_calls[0].arguments, R"({"a":"\"x\""})");
  EXPECT_EQ(answer.facts.finish_reason, "tool_calls");
  EXPECT_NE(answer.body.find(R"("content":null)"), std::string::npos);
  EXPECT_NE(
      answer.body.find(R"({"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}})"),
      std::string::npos
  );
}

TEST(AnthropicAnswer, KeepsThinkingWithItsSignature) {
  const auto result = anthropic_answer(
      R"({"id":"m","content":[{"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"redacted_thinking","data":"XX"},{"type":"text","text":"ok"}],"stop_reason":"max_tokens"})",
      kSource
  );

  const std::string& body = std::get<Answer>(result).body;
  EXPECT_NE(
      body.find(
          R"("reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"SIG","format":"anthropic-claude-v1","index":0},)"
          R"({"type":"reasoning.encrypted","data":"XX","format":"anthropic-claude-v1","index":1}])"
      ),
      std::string::npos
  ) << body;
  EXPECT_EQ(std::get<Answer>(result).facts.finish_reason, "length");
}

TEST(AnthropicAnswer, MapsStopReasons) {
  EXPECT_EQ(finish_reason_of("end_turn"), "stop");
  EXPECT_EQ(finish_reason_of("stop_sequence"), "stop");
  EXPECT_EQ(finish_reason_of("pause_turn"), "stop");
  EXPECT_EQ(finish_reason_of("max_tokens"), "length");
  EXPECT_EQ(finish_reason_of("model_context_window_exceeded"), "length");
  EXPECT_EQ(finish_reason_of("tool_use"), "tool_calls");
  EXPECT_EQ(finish_reason_of("refusal"), "content_filter");
}

TEST(AnthropicAnswer, IsAFailureWhenItIsNoMessage) {
  EXPECT_EQ(std::get<Failure>(anthropic_answer("{", kSource)).kind, ErrorKind::Upstream);
  EXPECT_EQ(std::get<Failure>(anthropic_answer("{}", kSource)).kind, ErrorKind::Upstream);
  EXPECT_EQ(
      std::get<Failure>(anthropic_answer(
                            R"({"type":"error","error":{"type":"rate_limit_error","message":"m"}})",
                            kSource
                        ))
          .kind,
      ErrorKind::RateLimit
  );
}

}  // namespace
}  // namespace sluice::provider_router
