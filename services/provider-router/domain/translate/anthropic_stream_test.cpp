#include "services/provider-router/domain/translate/anthropic_stream.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

const AnswerSource kSource{"claude", "m", 1700000000, "chatcmpl-1"};

std::string event(const std::string& data) {
  const std::size_t begin = data.find(R"("type":")") + 8;
  return "event: " + data.substr(begin, data.find('"', begin) - begin) + "\ndata: " + data + "\n\n";
}

std::string chunk(
    const std::string& delta, const std::string& finish = "null", bool usage = false
) {
  return R"(data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude-x","choices":[{"index":0,"delta":)" +
         delta + R"(,"logprobs":null,"finish_reason":)" + finish + "}]" +
         (usage ? R"(,"usage":null)" : "") + "}\n\n";
}

const std::string kStart = event(
    R"({"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":5,"output_tokens":1}}})"
);
const std::string kRole = R"({"role":"assistant","content":"","refusal":null})";
const std::string kStop = event(R"({"type":"message_stop"})");

std::string finish_with(const std::string& reason) {
  return event(
             R"({"type":"message_delta","delta":{"stop_reason":")" + reason +
             R"("},"usage":{"output_tokens":9}})"
         ) +
         kStop;
}

TEST(AnthropicStream, TurnsTextIntoChunks) {
  AnthropicStream stream(kSource, false);
  std::string out;

  EXPECT_FALSE(stream.feed(
      kStart +
          event(
              R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
          ) +
          event(R"({"type":"ping"})") +
          event(
              R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi \"you\""}})"
          ) +
          event(R"({"type":"content_block_stop","index":0})") + finish_with("end_turn"),
      out
  ));

  EXPECT_EQ(out, chunk(kRole) + chunk(R"({"content":"Hi \"you\""})") + chunk("{}", "\"stop\""));
  EXPECT_TRUE(stream.complete());
  EXPECT_FALSE(stream.finish(out));
  EXPECT_EQ(stream.facts().usage, (Usage{5, 9, 14, 0, 0}));
}

TEST(AnthropicStream, SendsUsageOnlyWhenAsked) {
  AnthropicStream stream(kSource, true);
  std::string out;

  EXPECT_FALSE(stream.feed(kStart + finish_with("end_turn"), out));

  EXPECT_EQ(
      out,
      chunk(kRole, "null", true) + chunk("{}", "\"stop\"", true) +
          R"(data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude-x","choices":[],"usage":{"prompt_tokens":5,)"
          R"("completion_tokens":9,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}})"
          "\n\n"
  );
}

TEST(AnthropicStream, NumbersToolCallsFromZeroWhateverTheBlockIndex) {
  AnthropicStream stream(kSource, false);
  std::string out;
  const std::string input =
      kStart +
      event(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
      ) +
      event(R"({"type":"content_block_stop","index":0})") +
      event(
          R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}})"
      ) +
      event(
          R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}})"
      ) +
      event(
          R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}})"
      ) +
      event(R"({"type":"content_block_stop","index":1})") +
      event(
          R"({"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}})"
      ) +
      event(R"({"type":"content_block_stop","index":2})") + finish_with("tool_use");

  for (const char c : input) {
    ASSERT_FALSE(stream.feed(std::string_view(&c, 1), out));
  }

  EXPECT_EQ(
      out,
      chunk(kRole) +
          chunk(
              R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]})"
          ) +
          chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]})") +
          chunk(
              R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]})"
          ) +
          chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]})") +
          chunk("{}", "\"tool_calls\"")
  );
  ASSERT_EQ(stream.facts().tool_calls.size(), 2U);
  EXPECT_EQ(stream.facts().tool_calls[1].arguments, "{}");
}

TEST(AnthropicStream, KeepsThinkingAndItsSignature) {
  AnthropicStream stream(kSource, false);
  std::string out;

  EXPECT_FALSE(stream.feed(
      kStart +
          event(
              R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})"
          ) +
          event(
              R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}})"
          ) +
          event(
              R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}})"
          ) +
          event(
              R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"SIG"}})"
          ) +
          event(R"({"type":"content_block_stop","index":0})") + finish_with("end_turn"),
      out
  ));

  EXPECT_EQ(
      out,
      chunk(kRole) + chunk(R"({"reasoning_content":"h"})") + chunk(R"({"reasoning_content":"m"})") +
          chunk(
              R"({"reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"SIG","format":"anthropic-claude-v1","index":0}]})"
          ) +
          chunk("{}", "\"stop\"")
  );
}

TEST(AnthropicStream, EndsWithAFailureOnAnErrorEvent) {
  AnthropicStream stream(kSource, false);
  std::string out;

  const auto failure = stream.feed(
      kStart +
          event(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"),
      out
  );

  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::Overloaded);
  EXPECT_EQ(out, chunk(kRole));
}

TEST(AnthropicStream, CutOffIsAFailure) {
  AnthropicStream stream(kSource, false);
  std::string out;

  EXPECT_FALSE(stream.feed(kStart, out));

  EXPECT_TRUE(stream.finish(out));
}

TEST(AnthropicStream, RefusesWhatIsNoStream) {
  std::string out;
  AnthropicStream no_start(kSource, false);
  EXPECT_TRUE(no_start.feed(kStop, out));
  AnthropicStream no_json(kSource, false);
  EXPECT_TRUE(no_json.feed("event: message_start\ndata: {\n\n", out));
}

TEST(AnthropicStream, PassesOverEventsItDoesNotKnow) {
  AnthropicStream stream(kSource, false);
  std::string out;

  EXPECT_FALSE(stream.feed(
      kStart + event(R"({"type":"something_new","index":7})") +
          event(R"({"type":"content_block_delta","index":9,"delta":{"type":"x"}})") +
          finish_with("end_turn"),
      out
  ));

  EXPECT_TRUE(stream.complete());
}

}  // namespace
}  // namespace sluice::provider_router
