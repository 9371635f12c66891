#include "services/provider-router/domain/translate/openai_stream.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

std::string chunk(const std::string& choices, const std::string& more = "") {
  return R"({"id":"i","object":"chat.completion.chunk","created":1,"model":"m","choices":[)" +
         choices + "]" + more + "}";
}

std::string event(const std::string& data) {
  return "data: " + data + "\n\n";
}

const std::string kHello =
    chunk(R"({"index":0,"delta":{"role":"assistant","content":"hello"},"finish_reason":null})");
const std::string kStop = chunk(R"({"index":0,"delta":{},"finish_reason":"stop"})");
const std::string kUsage =
    chunk("", R"(,"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3})");

TEST(OpenAiStream, ForwardsEventsAndDropsCommentsAndDone) {
  OpenAiStream stream("acme", true);
  std::string out;

  EXPECT_FALSE(
      stream.feed(": hi\n\n" + event(kHello) + event(kStop) + event(kUsage) + event("[DONE]"), out)
  );

  EXPECT_EQ(out, event(kHello) + event(kStop) + event(kUsage));
  EXPECT_FALSE(stream.finish(out));
  EXPECT_TRUE(stream.ended());
  EXPECT_EQ(stream.facts().finish_reason, "stop");
  EXPECT_EQ(stream.facts().usage, (Usage{1, 2, 3, 0, 0}));
}

TEST(OpenAiStream, CountsUsageTheClientDidNotAskForWithoutForwardingIt) {
  OpenAiStream stream("acme", false);
  std::string out;

  EXPECT_FALSE(stream.feed(event(kHello) + event(kStop) + event(kUsage), out));

  EXPECT_EQ(out, event(kHello) + event(kStop));
  EXPECT_EQ(stream.facts().usage.total_tokens, 3);
}

TEST(OpenAiStream, TakesAnyCutAndCrlf) {
  const std::string crlf = "data: " + kHello + "\r\n\r\ndata: " + kStop + "\r\n\r\n";
  OpenAiStream stream("acme", false);
  std::string out;

  for (const char c : crlf) {
    EXPECT_FALSE(stream.feed(std::string_view(&c, 1), out));
  }

  EXPECT_EQ(out, event(kHello) + event(kStop));
  EXPECT_FALSE(stream.finish(out));
}

TEST(OpenAiStream, GathersToolCallsOfChoiceZero) {
  OpenAiStream stream("acme", false);
  std::string out;
  const std::vector<std::string> deltas{
      R"([{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}])",
      R"([{"index":0,"function":{"arguments":"{\"x\":"}}])",
      R"([{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}])",
      R"([{"index":0,"function":{"arguments":"1}"}}])",
  };
  for (const std::string& delta : deltas) {
    EXPECT_FALSE(stream.feed(
        event(chunk(R"({"index":0,"delta":{"tool_calls":)" + delta + R"(},"finish_reason":null})")),
        out
    ));
  }
  EXPECT_FALSE(
      stream.feed(event(chunk(R"({"index":0,"delta":{},"finish_reason":"tool_calls"})")), out)
  );

  ASSERT_EQ(stream.facts().tool_calls.size(), 2U);
  EXPECT_EQ(stream.facts().tool_calls[0].arguments, "{\"x\":1}");
  EXPECT_EQ(stream.facts().tool_calls[1].name, "g");
  EXPECT_EQ(stream.facts().finish_reason, "tool_calls");
}

TEST(OpenAiStream, EndsWithAFailureOnAnErrorEvent) {
  for (const std::string& bad :
       {std::string(
            "event: error\ndata: {\"error\":{\"message\":\"m\",\"code\":\"tool_use_failed\"}}\n\n"
        ),
        event(R"({"error":{"message":"m","code":"tool_use_failed"}})")}) {
    OpenAiStream stream("acme", false);
    std::string out;

    const auto failure = stream.feed(event(kHello) + bad + event(kStop), out);

    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind, ErrorKind::ToolUseFailed);
    EXPECT_EQ(out, event(kHello));
  }
}

TEST(OpenAiStream, CutOffIsAFailure) {
  OpenAiStream stream("acme", false);
  std::string out;

  EXPECT_FALSE(stream.feed(event(kHello), out));

  EXPECT_FALSE(stream.complete());
  ASSERT_TRUE(stream.finish(out));
}

TEST(OpenAiStream, NothingAtAllIsAFailureEvenWithDone) {
  OpenAiStream stream("acme", false);
  std::string out;

  EXPECT_FALSE(stream.feed("data: [DONE]\n\n", out));

  EXPECT_TRUE(stream.finish(out));
}

TEST(OpenAiStream, EveryChoiceHasToFinish) {
  OpenAiStream stream("acme", false);
  std::string out;

  EXPECT_FALSE(stream.feed(
      event(chunk(R"({"index":1,"delta":{"content":"b"},"finish_reason":null})")) + event(kHello) +
          event(kStop),
      out
  ));
  EXPECT_FALSE(stream.complete());
  EXPECT_FALSE(stream.feed(event(chunk(R"({"index":1,"delta":{},"finish_reason":"length"})")), out)
  );

  EXPECT_TRUE(stream.complete());
  EXPECT_EQ(stream.facts().finish_reason, "stop");
}

TEST(OpenAiStream, CorrectsTheObjectName) {
  OpenAiStream stream("acme", false);
  std::string out;

  EXPECT_FALSE(stream.feed(event(R"({"object":"","choices":[],"prompt_filter_results":[]})"), out));

  EXPECT_EQ(
      out, event(R"({"object":"chat.completion.chunk","choices":[],"prompt_filter_results":[]})")
  );
}

TEST(OpenAiStream, TakesALastEventWithoutItsBlankLine) {
  OpenAiStream stream("acme", false);
  std::string out;

  EXPECT_FALSE(stream.feed(event(kHello) + "data: " + kStop, out));
  EXPECT_FALSE(stream.finish(out));

  EXPECT_EQ(out, event(kHello) + event(kStop));
}

TEST(OpenAiStream, RefusesGarbageAndGiants) {
  OpenAiStream garbage("acme", false);
  OpenAiStream giant("acme", false);
  std::string out;

  EXPECT_TRUE(garbage.feed("data: {\"choices\":\n\n", out));
  EXPECT_TRUE(giant.feed("data: " + std::string(kEventBytesMax + 1, 'x'), out));
}

}  // namespace
}  // namespace sluice::provider_router
