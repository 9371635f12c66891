#include "services/provider-router/handlers/chat.h"

#include "services/provider-router/testing/router_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::FaultPlan;
using testing::for_each_fault;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kBody =
    R"({"model":"open/gpt-x","messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kStreamBody =
    R"({"model":"open/gpt-x","stream":true,"messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kClaudeBody =
    R"({"model":"claude/haiku","messages":[{"role":"user","content":"hi"}]})";

const std::string kAnswer =
    R"({"id":"i","object":"chat.completion","created":1,"model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},)"
    R"("finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

std::string event(const std::string& data) {
  return "data: " + data + "\n\n";
}

const std::string kHello = event(
    R"({"id":"i","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]})"
);
const std::string kStop = event(
    R"({"id":"i","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
);
const std::string kUsage = event(
    R"({"id":"i","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
);

TEST(ChatHandler, AnswersWithTheProvidersBytes) {
  RouterFixture fixture;
  auto answer = json_answer(kAnswer);
  answer.headers.add("x-request-id", "up-1");
  fixture.upstream.push(std::move(answer));

  const auto final = fixture.chat("open/gpt-x", kBody);

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().status(), 200U);
  EXPECT_EQ(final.value().body(), kAnswer);
  EXPECT_EQ(final.value().usage().total_tokens(), 3);
  EXPECT_EQ(final.value().provider(), "open");
  EXPECT_EQ(final.value().model(), "gpt-x");
  EXPECT_EQ(final.value().finish_reason(), "stop");
  EXPECT_EQ(final.value().upstream_request_id(), "up-1");
  EXPECT_TRUE(final.value().error_kind().empty());
  ASSERT_EQ(fixture.upstream.calls().size(), 1U);
  EXPECT_EQ(
      fixture.upstream.calls()[0].body,
      R"({"model":"gpt-x","messages":[{"role":"user","content":"hi"}]})"
  );
  EXPECT_TRUE(fixture.audit.records().empty());
}

TEST(ChatHandler, UsesTheKeysInTurn) {
  RouterFixture fixture;
  for (int i = 0; i < 3; ++i) {
    fixture.upstream.push(json_answer(kAnswer));
    ASSERT_THAT(fixture.chat("open/gpt-x", kBody), IsOk());
  }

  EXPECT_EQ(fixture.upstream.calls()[0].key, "first");
  EXPECT_EQ(fixture.upstream.calls()[1].key, "second");
  EXPECT_EQ(fixture.upstream.calls()[2].key, "first");
}

TEST(ChatHandler, StreamsOneChunkPerRead) {
  RouterFixture fixture;
  fixture.upstream.push(
      sse_answer({kHello + kStop.substr(0, 20), kStop.substr(20) + kUsage, "data: [DONE]\n\n"})
  );

  const auto final = fixture.chat("open/gpt-x", kStreamBody, true);

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(fixture.writer.chunks(), (std::vector<std::string>{kHello, kStop}));
  EXPECT_EQ(final.value().status(), 200U);
  EXPECT_EQ(final.value().body(), "");
  EXPECT_EQ(final.value().usage().total_tokens(), 3);
  EXPECT_EQ(final.value().finish_reason(), "stop");
}

TEST(ChatHandler, TranslatesForAnthropic) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(
      R"({"id":"m","type":"message","model":"haiku-1","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}})"
  ));

  const auto final = fixture.chat("claude/haiku", kClaudeBody);

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(
      fixture.upstream.calls()[0].body,
      R"({"model":"haiku","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]})"
  );
  ASSERT_EQ(final.value().tool_calls_size(), 1);
  EXPECT_EQ(final.value().tool_calls(0).arguments(), R"({"a":1})");
  EXPECT_EQ(final.value().finish_reason(), "tool_calls");
}

TEST(ChatHandler, TriesAgainAndRecordsTheFailure) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(R"({"error":{"message":"boom"}})", 500));
  fixture.upstream.push(json_answer(kAnswer));

  const auto final = fixture.chat("open/gpt-x", kBody);

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().status(), 200U);
  EXPECT_EQ(fixture.upstream.calls().size(), 2U);
  const auto records = fixture.audit.with_action("provider.failed");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].provider(), "open");
  EXPECT_EQ(records[0].model(), "gpt-x");
  EXPECT_EQ(records[0].hop(), 3U);
  EXPECT_EQ(records[0].outcome(), audit::v1::OUTCOME_FAILED);
  EXPECT_EQ(records[0].error_code(), "Unavailable");
  EXPECT_EQ(records[0].reason(), "upstream");
  EXPECT_TRUE(fixture.log.has("provider-failed", "kind=upstream"));
}

TEST(ChatHandler, GivesUpAfterThreeAttempts) {
  RouterFixture fixture;
  for (int i = 0; i < 3; ++i) {
    fixture.upstream.push(json_answer(R"({"error":{"message":"Overloaded"}})", 529));
  }

  const auto final = fixture.chat("open/gpt-x", kBody);

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().status(), 503U);
  EXPECT_EQ(final.value().error_kind(), "overloaded");
  EXPECT_TRUE(final.value().should_retry());
  EXPECT_TRUE(json::parse(final.value().body()).ok());
  EXPECT_EQ(fixture.audit.with_action("provider.failed").size(), 3U);
  EXPECT_EQ(fixture.audit.records()[2].hop(), 5U);
}

TEST(ChatHandler, TakesTheOtherKeyWhenOneIsRefused) {
  RouterFixture fixture;
  fixture.upstream.push(
      json_answer(R"({"error":{"message":"bad key","code":"invalid_api_key"}})", 401)
  );
  fixture.upstream.push(json_answer(kAnswer));

  const auto final = fixture.chat("open/gpt-x", kBody);

  EXPECT_EQ(final.value().status(), 200U);
  EXPECT_EQ(fixture.upstream.calls()[0].key, "first");
  EXPECT_EQ(fixture.upstream.calls()[1].key, "second");
}

TEST(ChatHandler, DoesNotBlameTheClientForTheGatewaysKey) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(
      R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}})",
      401
  ));

  const auto final = fixture.chat("claude/haiku", kClaudeBody);

  EXPECT_EQ(final.value().status(), 502U);
  EXPECT_EQ(final.value().error_kind(), "auth");
  EXPECT_FALSE(final.value().should_retry());
  EXPECT_NE(final.value().body().find("your key is fine"), std::string::npos);
}

TEST(ChatHandler, TellsTheWaitOfARateLimit) {
  RouterFixture fixture;
  auto answer =
      json_answer(R"({"type":"error","error":{"type":"rate_limit_error","message":"slow"}})", 429);
  answer.headers.add("retry-after", "300");
  fixture.upstream.push(std::move(answer));

  const auto final = fixture.chat("claude/haiku", kClaudeBody);

  EXPECT_EQ(final.value().status(), 429U);
  EXPECT_EQ(final.value().retry_after_ms(), 300000U);
  EXPECT_EQ(fixture.upstream.calls().size(), 1U);
}

TEST(ChatHandler, DoesNotRepeatTheClientsMistake) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(
      R"({"error":{"message":"bad stop","type":"invalid_request_error","param":"stop","code":"x"}})",
      400
  ));

  const auto final = fixture.chat("open/gpt-x", kStreamBody, true);

  EXPECT_EQ(final.value().status(), 400U);
  EXPECT_EQ(final.value().error_kind(), "invalid_request");
  EXPECT_TRUE(fixture.writer.chunks().empty());
  EXPECT_EQ(fixture.upstream.calls().size(), 1U);
}

TEST(ChatHandler, TriesAgainWhenAStreamBreaksBeforeItsFirstEvent) {
  RouterFixture fixture;
  auto broken = sse_answer({": ping\n\n"});
  broken.cut = Error(Code::Unavailable, "connection reset after the request was sent");
  fixture.upstream.push(std::move(broken));
  fixture.upstream.push(sse_answer({kHello + kStop}));

  const auto final = fixture.chat("open/gpt-x", kStreamBody, true);

  EXPECT_EQ(final.value().status(), 200U);
  EXPECT_EQ(fixture.writer.all(), kHello + kStop);
}

TEST(ChatHandler, NeverTriesAgainAfterAChunkWasSent) {
  RouterFixture fixture;
  auto broken = sse_answer({kHello});
  broken.cut = Error(Code::Unavailable, "connection reset");
  fixture.upstream.push(std::move(broken));

  const auto final = fixture.chat("open/gpt-x", kStreamBody, true);

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().status(), 502U);
  EXPECT_FALSE(final.value().should_retry());
  EXPECT_EQ(fixture.upstream.calls().size(), 1U);
  EXPECT_EQ(fixture.writer.all(), kHello);
}

TEST(ChatHandler, TakesTheEndWithoutFinishForAFailure) {
  RouterFixture fixture;
  fixture.upstream.push(sse_answer({kHello}));

  EXPECT_EQ(fixture.chat("open/gpt-x", kStreamBody, true).value().status(), 502U);
}

TEST(ChatHandler, AcceptsAConnectionThatBreaksAfterTheAnswerIsWhole) {
  RouterFixture fixture;
  auto answer = sse_answer({kHello + kStop});
  answer.cut = Error(Code::Unavailable, "connection reset");
  fixture.upstream.push(std::move(answer));

  EXPECT_EQ(fixture.chat("open/gpt-x", kStreamBody, true).value().status(), 200U);
}

TEST(ChatHandler, ReadsAnErrorThatCameWithStatus200InsteadOfAStream) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(R"({"error":{"message":"no credit","code":402}})"));
  fixture.upstream.push(json_answer(R"({"error":{"message":"no credit","code":402}})"));

  const auto final = fixture.chat("open/gpt-x", kStreamBody, true);

  EXPECT_EQ(final.value().status(), 502U);
  EXPECT_EQ(final.value().error_kind(), "billing");
}

TEST(ChatHandler, RefusesUnknownModelsAndBadBodies) {
  RouterFixture fixture;

  EXPECT_THAT(fixture.chat("nowhere/x", kBody), HasCode(Code::NotFound));
  EXPECT_THAT(fixture.chat("claude/unknown", kBody), HasCode(Code::NotFound));
  EXPECT_THAT(fixture.chat("open/x", "{"), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.chat("claude/haiku", "[1"), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.chat("demo/assistant", "{}"), HasCode(Code::Invalid));
  EXPECT_TRUE(fixture.upstream.calls().empty());
}

TEST(ChatHandler, PassesCancellationOn) {
  RouterFixture fixture;
  ScriptedAnswer cancelled;
  cancelled.error = Error(Code::Cancelled, "the operation was cancelled");
  fixture.upstream.push(std::move(cancelled));

  EXPECT_THAT(fixture.chat("open/x", kBody), HasCode(Code::Cancelled));
}

TEST(ChatHandler, AnswersNothingWhenRecordsCannotBeKept) {
  RouterFixture fixture;
  fixture.audit.set_full(true);

  EXPECT_THAT(fixture.chat("open/x", kBody), HasCode(Code::Unavailable));
  EXPECT_TRUE(fixture.upstream.calls().empty());
}

TEST(ChatHandler, PlaysTheDemoModel) {
  RouterFixture fixture;
  const std::string body =
      R"({"model":"demo/assistant","messages":[{"role":"user","content":"echo hi"}],"tools":[{"type":"function","function":{"name":"x-echo"}}]})";

  const auto plain = fixture.chat("demo/assistant", body);
  const auto streamed = fixture.chat("demo/assistant", body, true);

  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain.value().tool_calls(0).name(), "x-echo");
  EXPECT_EQ(
      plain.value().tool_calls(0).tool_call_id(), "call_demo_0123456789abcdef0123456789abcdef_3_0"
  );
  ASSERT_THAT(streamed, IsOk());
  EXPECT_EQ(streamed.value().tool_calls(0).name(), "x-echo");
  EXPECT_GT(fixture.writer.chunks().size(), 2U);
}

TEST(ChatHandler, MakesOtherIdsWhenOneRequestAsksAgain) {
  RouterFixture fixture;
  const std::string body =
      R"({"model":"demo/assistant","messages":[{"role":"user","content":"echo hi"}],"tools":[{"type":"function","function":{"name":"x-echo"}}]})";

  const auto first = fixture.chat("demo/assistant", body);
  fixture.hop = 35;
  const auto second = fixture.chat("demo/assistant", body);

  EXPECT_NE(
      first.value().tool_calls(0).tool_call_id(), second.value().tool_calls(0).tool_call_id()
  );
}

TEST(ChatHandler, MeasuresItsOwnTime) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(kAnswer));
  ASSERT_THAT(fixture.chat("open/x", kBody), IsOk());

  EXPECT_NE(
      fixture.metrics->expose().find("sluice_provider_router_request_user_seconds_count 1"),
      std::string::npos
  );
}

// Whatever fails, the caller gets an answer or an error with a code of its own, and no chunk after
// a failure.
TEST(ChatHandler, SurvivesEveryFault) {
  const int faults = for_each_fault([](FaultPlan& plan) {
    RouterFixture fixture(&plan);
    for (int i = 0; i < 3; ++i) {
      fixture.upstream.push(sse_answer({kHello, kStop + kUsage, "data: [DONE]\n\n"}));
    }

    const auto final = fixture.chat("open/gpt-x", kStreamBody, true);

    if (!final.ok()) {
      EXPECT_THAT(final, HasCode(Code::Unavailable));
    } else if (final.value().status() == 200) {
      EXPECT_EQ(fixture.writer.all(), kHello + kStop);
    } else {
      EXPECT_EQ(final.value().status(), 502U);
      EXPECT_EQ(fixture.audit.with_action("provider.failed").size(), 1U);
    }
  });

  EXPECT_GT(faults, 5);
}

TEST(ChatHandler, SurvivesEveryFaultOfAFailingProvider) {
  for_each_fault([](FaultPlan& plan) {
    RouterFixture fixture(&plan);
    for (int i = 0; i < 3; ++i) {
      fixture.upstream.push(json_answer("{}", 500));
    }

    const auto final = fixture.chat("open/gpt-x", kBody);

    if (final.ok()) {
      EXPECT_EQ(final.value().status(), 502U);
    } else {
      EXPECT_TRUE(plan.fired());
      EXPECT_THAT(final, HasCode(Code::Unavailable));
    }
  });
}

}  // namespace
}  // namespace sluice::provider_router
