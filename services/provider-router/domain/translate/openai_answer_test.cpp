#include "services/provider-router/domain/translate/openai_answer.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

const AnswerSource kSource{"acme", "m", 1700000000, "chatcmpl-1"};

constexpr std::string_view kAnswer =
    R"({"id":"i","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,)"
    R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},"finish_reason":"tool_calls"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

TEST(OpenAiAnswer, PassesTheBytesAndReadsTheFacts) {
  const auto result = openai_answer(std::string(kAnswer), kSource);

  const Answer& answer = std::get<Answer>(result);
  EXPECT_EQ(answer.body, kAnswer);
  EXPECT_EQ(answer.facts.finish_reason, "tool_calls");
  EXPECT_EQ(answer.facts.usage, (Usage{1, 2, 3, 0, 0}));
  ASSERT_EQ(answer.facts.tool_calls.size(), 1U);
  EXPECT_EQ(answer.facts.tool_calls[0].id, "c1");
  EXPECT_EQ(answer.facts.tool_calls[0].name, "f");
  EXPECT_EQ(answer.facts.tool_calls[0].arguments, "{\"a\": 1}");
}

TEST(OpenAiAnswer, DropsTheBlankLinesBeforeIt) {
  const auto result = openai_answer("\n   \n\r\n" + std::string(kAnswer), kSource);

  EXPECT_EQ(std::get<Answer>(result).body, kAnswer);
}

TEST(OpenAiAnswer, AddsOnlyTheMembersThatAreMissing) {
  const auto result = openai_answer(
      R"({"model":"x","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]})", kSource
  );

  EXPECT_EQ(
      std::get<Answer>(result).body,
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"x","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]})"
  );
}

TEST(OpenAiAnswer, JoinsContentThatComesInParts) {
  const auto result = openai_answer(
      R"({"id":"i","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",)"
      R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"four"}]}}]})",
      kSource
  );

  const std::string& body = std::get<Answer>(result).body;
  EXPECT_NE(body.find(R"("content":"four")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("reasoning_content":"hm")"), std::string::npos) << body;
}

TEST(OpenAiAnswer, IsAFailureWhenItHoldsAnError) {
  const auto result =
      openai_answer(R"({"error":{"message":"slow down","code":429},"user_id":"u"})", kSource);

  EXPECT_EQ(std::get<Failure>(result).kind, ErrorKind::RateLimit);
}

TEST(OpenAiAnswer, IsAFailureWhenItIsNoAnswer) {
  for (const std::string_view body :
       {"", "ok", "[]", "{}", R"({"choices":[]})", R"({"choices":null})", "{\"choices\":[{}]"}) {
    const auto result = openai_answer(std::string(body), kSource);
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << body;
    EXPECT_EQ(std::get<Failure>(result).kind, ErrorKind::Upstream);
    EXPECT_TRUE(std::get<Failure>(result).retryable);
  }
}

}  // namespace
}  // namespace sluice::provider_router
