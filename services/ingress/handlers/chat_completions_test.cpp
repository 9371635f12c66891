#include "services/ingress/handlers/chat_completions.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr const char* kAnswer = R"({"choices":[{"message":{"content":"Hi"}}]})";
const std::string kChain(32, 'c');

std::vector<std::string> tools_in(const std::string& body) {
  std::vector<std::string> names;
  const auto parsed = json::parse(body);
  if (parsed.ok() && parsed.value().find("tools") != nullptr) {
    for (const auto& tool : *parsed.value().find("tools")->as_array()) {
      names.push_back(tool.find("function")->text_or("name", ""));
    }
  }
  return names;
}

http::HttpRequest with_header(
    http::HttpRequest request, const std::string& name, const std::string& value
) {
  request.headers.add(name, value);
  return request;
}

TEST(ChatCompletions, AttachesTheToolsAndGivesTheAnswerBack) {
  IngressFixture fixture;
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 200);
  EXPECT_TRUE(fixture.writer->responded());
  EXPECT_EQ(fixture.writer->body(), kAnswer);
  EXPECT_EQ(fixture.writer->headers().get("content-type"), "application/json");
  EXPECT_EQ(fixture.writer->headers().get("x-sluice-chain").size(), 32U);
  ASSERT_EQ(fixture.provider.chats.size(), 1U);
  const auto& [sent, context] = fixture.provider.chats[0];
  EXPECT_EQ(sent.model(), "demo/assistant");
  EXPECT_FALSE(sent.stream());
  EXPECT_EQ(
      tools_in(sent.body()),
      (std::vector<std::string>{"filesystem-read_file", "filesystem-write_file"})
  );
  EXPECT_EQ(context.caller_token, "token of key:user");
  EXPECT_EQ(context.chain.str(), fixture.writer->headers().get("x-sluice-chain"));
  EXPECT_EQ(fixture.provider.streams_open, 0);
}

TEST(ChatCompletions, LeavesTwoRecordsOfAPlainChatInOrder) {
  IngressFixture fixture;
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  const auto& records = fixture.audit.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].action(), "chat.request");
  EXPECT_EQ(records[0].principal(), "key:user");
  EXPECT_EQ(records[0].args_digest(), crypto::sha256(chat_body()));
  EXPECT_EQ(records[1].action(), "chat.answer");
  EXPECT_EQ(records[1].provider(), "demo");
  EXPECT_EQ(records[1].prompt_tokens(), 11);
  EXPECT_EQ(records[1].completion_tokens(), 5);
  EXPECT_EQ(records[1].result_digest(), crypto::sha256(kAnswer));
  EXPECT_EQ(records[0].chain_id(), records[1].chain_id());
  EXPECT_LT(records[0].hop(), fixture.provider.chats[0].second.hop);
  EXPECT_LT(fixture.provider.chats[0].second.hop, records[1].hop());
}

TEST(ChatCompletions, DoesNotTouchRedisForAPlainChat) {
  IngressFixture fixture;
  fixture.redis.set_down(true);
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 200);
  EXPECT_TRUE(fixture.log.events().empty());
}

TEST(ChatCompletions, RemembersSuggestedCallsAndContinuesTheirChain) {
  IngressFixture fixture;
  fixture.provider.push(answer_of(kAnswer, {{"c1", "filesystem-read_file"}, {"c2", "mine"}}));
  fixture.provider.push(answer_of(kAnswer));
  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());
  const std::string chain(fixture.writer->headers().get("x-sluice-chain"));
  const std::string next =
      R"({"model":"demo/assistant","messages":[{"role":"tool","tool_call_id":"c1","content":"x"}]})";

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(next)), IsOk());

  EXPECT_EQ(fixture.writer->headers().get("x-sluice-chain"), chain);
  const auto suggestions = fixture.audit.with_action("chat.suggestion");
  ASSERT_EQ(suggestions.size(), 2U);
  EXPECT_EQ(suggestions[0].server(), "filesystem");
  EXPECT_EQ(suggestions[0].tool(), "read_file");
  EXPECT_EQ(suggestions[0].tool_call_id(), "c1");
  EXPECT_EQ(suggestions[0].prompt_tokens(), 11);
  EXPECT_EQ(suggestions[1].tool(), "mine");
  EXPECT_EQ(suggestions[1].server(), "");
  EXPECT_EQ(suggestions[1].prompt_tokens(), 0) << "tokens are counted once";
  EXPECT_GT(fixture.audit.with_action("chat.request")[1].hop(), suggestions[1].hop());
}

TEST(ChatCompletions, AnswersEvenWhenASuggestionCannotBeRemembered) {
  IngressFixture fixture;
  fixture.redis.set_down(true);
  fixture.provider.push(answer_of(kAnswer, {{"c1", "filesystem-read_file"}}));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 200);
  EXPECT_EQ(fixture.log.count("tool-call-remember-failed"), 1U);
}

TEST(ChatCompletions, ObeysTheChainHeader) {
  IngressFixture fixture;
  fixture.provider.push(answer_of(kAnswer));
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(
      fixture.post_chat(with_header(IngressFixture::request(chat_body()), "x-sluice-chain", kChain)
      ),
      IsOk()
  );
  ASSERT_THAT(
      fixture.post_chat(with_header(IngressFixture::request(chat_body()), "x-sluice-chain", kChain)
      ),
      IsOk()
  );

  EXPECT_EQ(fixture.writer->headers().get("x-sluice-chain"), kChain);
  EXPECT_GT(
      fixture.audit.with_action("chat.request")[1].hop(),
      fixture.audit.with_action("chat.answer")[0].hop()
  );
}

TEST(ChatCompletions, StreamsEventsAndEndsWithDone) {
  IngressFixture fixture;
  auto answer = answer_of("", {{"c1", "filesystem-read_file"}});
  answer.chunks = {"data: {\"a\":1}\n\n", "data: {\"b\":2}\n\n"};
  fixture.provider.push(std::move(answer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(R"(,"stream":true)"))), IsOk());

  EXPECT_EQ(fixture.writer->status(), 200);
  EXPECT_TRUE(fixture.writer->headers().get("content-type").starts_with("text/event-stream"));
  EXPECT_EQ(
      fixture.writer->writes(),
      (std::vector<std::string>{"data: {\"a\":1}\n\n", "data: {\"b\":2}\n\n", "data: [DONE]\n\n"})
  );
  EXPECT_TRUE(fixture.writer->ended());
  EXPECT_TRUE(fixture.provider.chats[0].first.stream());
  EXPECT_EQ(fixture.audit.with_action("chat.suggestion").size(), 1U);
  EXPECT_EQ(fixture.redis.keys().size(), 1U);
}

TEST(ChatCompletions, AnswersAnErrorBeforeTheFirstEventWithItsStatus) {
  for (const bool stream : {false, true}) {
    IngressFixture fixture;
    ScriptedAnswer answer;
    answer.final.set_status(429);
    answer.final.set_body(R"({"error":{"message":"slow down"}})");
    answer.final.set_retry_after_ms(1500);
    answer.final.set_should_retry(true);
    fixture.provider.push(std::move(answer));

    ASSERT_THAT(
        fixture.post_chat(IngressFixture::request(chat_body(stream ? R"(,"stream":true)" : ""))),
        IsOk()
    );

    EXPECT_EQ(fixture.writer->status(), 429);
    EXPECT_EQ(fixture.writer->body(), R"({"error":{"message":"slow down"}})");
    EXPECT_EQ(fixture.writer->headers().get("retry-after"), "2");
    EXPECT_EQ(fixture.writer->headers().get("retry-after-ms"), "1500");
    EXPECT_FALSE(fixture.writer->headers().has("x-should-retry"));
    EXPECT_EQ(fixture.audit.with_action("chat.answer")[0].outcome(), audit::v1::OUTCOME_FAILED);
  }
}

TEST(ChatCompletions, TellsClientsNotToRetryWhatCannotSucceed) {
  IngressFixture fixture;
  ScriptedAnswer answer;
  answer.final.set_status(404);
  answer.final.set_body(R"({"error":{"message":"no such model"}})");
  fixture.provider.push(std::move(answer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 404);
  EXPECT_EQ(fixture.writer->headers().get("x-should-retry"), "false");
}

TEST(ChatCompletions, TellsALaterErrorAsAnEvent) {
  IngressFixture fixture;
  ScriptedAnswer answer;
  answer.chunks = {"data: {}\n\n"};
  answer.error = Error(Code::Unavailable, "the provider went away");
  fixture.provider.push(std::move(answer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(R"(,"stream":true)"))), IsOk());

  ASSERT_EQ(fixture.writer->writes().size(), 2U);
  EXPECT_TRUE(fixture.writer->writes()[1].starts_with("data: {\"error\":"))
      << fixture.writer->writes()[1];
  EXPECT_TRUE(fixture.writer->ended());
  EXPECT_EQ(fixture.audit.with_action("chat.answer")[0].error_code(), "Unavailable");
}

TEST(ChatCompletions, TellsAProvidersLaterErrorAsAnEvent) {
  IngressFixture fixture;
  auto answer = answer_of(R"({"error":{"message":"overloaded"}})");
  answer.final.set_status(503);
  answer.chunks = {"data: {}\n\n"};
  fixture.provider.push(std::move(answer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(R"(,"stream":true)"))), IsOk());

  EXPECT_EQ(fixture.writer->writes().back(), "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
}

TEST(ChatCompletions, CancelsTheProviderWhenTheClientGoes) {
  IngressFixture fixture;
  auto answer = answer_of("");
  answer.chunks = {"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"};
  fixture.provider.push(std::move(answer));
  auto gone = std::make_unique<http::testing::RecordingResponseWriter>(2);

  const auto done = fixture.run(fixture.chat(
      IngressFixture::request(chat_body(R"(,"stream":true)")), gone.get(), fixture.context()
  ));

  EXPECT_THAT(done, HasCode(Code::Cancelled));
  EXPECT_EQ(fixture.provider.streams_open, 0);
  EXPECT_EQ(fixture.audit.with_action("chat.answer")[0].error_code(), "Cancelled");
}

TEST(ChatCompletions, AnswersAStreamWithoutEvents) {
  IngressFixture fixture;
  fixture.provider.push(answer_of(""));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(R"(,"stream":true)"))), IsOk());

  EXPECT_EQ(fixture.writer->body(), "data: [DONE]\n\n");
}

TEST(ChatCompletions, NarrowsToolsByHeaders) {
  struct Case {
    const char* header;
    const char* value;
    std::vector<std::string> tools;
  };

  const std::vector<Case> cases{
      {"x-sluice-include-tools", "filesystem-read_file", {"filesystem-read_file"}},
      {"x-bf-mcp-include-clients", "filesystem", {"filesystem-read_file", "filesystem-write_file"}},
      {"x-sluice-include-servers", "other", {}},
      {"x-bf-mcp-include-tools", "", {}},
      {"x-sluice-include-tools", "filesystem-secret_file", {}},
  };
  for (const auto& [header, value, tools] : cases) {
    IngressFixture fixture;
    fixture.provider.push(answer_of(kAnswer));

    ASSERT_THAT(
        fixture.post_chat(with_header(IngressFixture::request(chat_body()), header, value)), IsOk()
    );

    EXPECT_EQ(tools_in(fixture.provider.chats[0].first.body()), tools) << header << ": " << value;
  }
}

TEST(ChatCompletions, AttachesToolsOnlyOnRequestWhereTheOperatorSaysSo) {
  IngressFixture fixture(nullptr, {.servers_configured = true, .only_on_request = true});
  fixture.provider.push(answer_of(kAnswer));
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());
  ASSERT_THAT(
      fixture.post_chat(
          with_header(IngressFixture::request(chat_body()), "x-sluice-include-tools", "*")
      ),
      IsOk()
  );

  EXPECT_TRUE(tools_in(fixture.provider.chats[0].first.body()).empty());
  EXPECT_EQ(tools_in(fixture.provider.chats[1].first.body()).size(), 2U);
}

TEST(ChatCompletions, NeverAnswersSilentlyWithoutTools) {
  IngressFixture fixture;
  fixture.servers.set_down(true);

  EXPECT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), HasCode(Code::Unavailable));
  EXPECT_TRUE(fixture.provider.chats.empty());
}

TEST(ChatCompletions, NeedsNoCatalogWhereNoServerIsConfigured) {
  IngressFixture fixture(nullptr, {.servers_configured = false, .only_on_request = false});
  fixture.servers.set_down(true);
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.provider.chats[0].first.body(), chat_body());
}

TEST(ChatCompletions, RefusesBadRequestsBeforeAnybodyIsAsked) {
  const std::vector<std::pair<http::HttpRequest, Code>> bad{
      {IngressFixture::request(chat_body(), ""), Code::Unauthenticated},
      {IngressFixture::request(chat_body(), "sk-wrong"), Code::Unauthenticated},
      {IngressFixture::request("{"), Code::Invalid},
      {IngressFixture::request(R"({"model":"gpt","messages":[{}]})"), Code::Invalid},
      {IngressFixture::request(
           chat_body(R"(,"tools":[{"function":{"name":"filesystem-read_file"}}])")
       ),
       Code::Invalid},
      {with_header(IngressFixture::request(chat_body()), "x-sluice-chain", "x"), Code::Invalid},
      {with_header(
           IngressFixture::request(chat_body()), "x-sluice-include-tools", std::string(1000, 'x')
       ),
       Code::Invalid},
      {IngressFixture::request(
           R"({"model":"a/b","messages":[{"role":"tool","content":"tool_call_id"}]})"
       ),
       Code::Invalid},
  };
  for (const auto& [request, code] : bad) {
    IngressFixture fixture;
    EXPECT_THAT(fixture.post_chat(request), HasCode(code)) << request.body;
    EXPECT_TRUE(fixture.provider.chats.empty());
    EXPECT_FALSE(fixture.writer->begun());
  }
}

TEST(ChatCompletions, MeasuresTheTimeItKeepsTheProcessBusy) {
  IngressFixture fixture;
  fixture.provider.push(answer_of(kAnswer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_NE(
      fixture.metrics->expose().find("sluice_ingress_request_user_seconds_count 1"),
      std::string::npos
  );
}

// Whatever fails: either a full answer, or an error that the client sees; never a half one that
// looks whole.
TEST(ChatCompletions, FailsCleanlyWhateverDependencyFails) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    IngressFixture fixture(&plan);
    auto answer = answer_of("", {{"c1", "filesystem-read_file"}});
    answer.chunks = {"data: {}\n\n"};
    fixture.provider.push(std::move(answer));
    const std::string body =
        R"({"model":"a/b","stream":true,"messages":[{"role":"tool","tool_call_id":"c0","content":"x"}]})";

    const auto done = fixture.post_chat(IngressFixture::request(body));

    if (!plan.fired()) {
      ASSERT_THAT(done, IsOk());
      EXPECT_TRUE(fixture.writer->body().ends_with("data: [DONE]\n\n"));
      return;
    }
    const bool whole = fixture.writer->body().ends_with("data: [DONE]\n\n");
    const bool told = !done.ok() || fixture.writer->body().find("\"error\"") != std::string::npos;
    EXPECT_NE(whole, told) << fixture.writer->body();
    EXPECT_EQ(fixture.provider.streams_open, 0);
  });
  EXPECT_GE(faults, 9);
}

}  // namespace
}  // namespace sluice::ingress
