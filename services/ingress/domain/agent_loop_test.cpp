#include "services/ingress/domain/agent_loop.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/agent_fixture.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

std::vector<Suggested> many_reads(std::size_t count) {
  std::vector<Suggested> calls(count);
  for (std::size_t i = 0; i < count; ++i) {
    calls[i].id = "c" + std::to_string(i);
    calls[i].name = "filesystem-read_file";
  }
  return calls;
}

TEST(AgentLoop, RunsAutomaticCallsAndAsksAgainWithTheirResultsInCallOrder) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}, {"b", "filesystem-read_file"}}));
  fixture.provider.push(says("Both say hello."));
  fixture.answer_in_reverse({"a", "b"});

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 200);
  EXPECT_EQ(fixture.member("choices/0/message/content"), "\"Both say hello.\"");
  EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"stop\"");
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"stop\"");
  EXPECT_EQ(fixture.member("sluice/depth"), "1");
  EXPECT_EQ(
      fixture.roles("sluice/transcript"),
      (std::vector<std::string>{"assistant", "tool", "tool", "assistant"})
  );
  ASSERT_EQ(fixture.provider.chats.size(), 2U);
  const auto second = json::parse(fixture.provider.chats[1].first.body());
  ASSERT_THAT(second, IsOk());
  const json::Array& messages = *second.value().find("messages")->as_array();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].text_or("role", ""), "user");
  EXPECT_EQ(tool_calls_of(messages[1])->size(), 2U);
  EXPECT_EQ(messages[2].text_or("tool_call_id", ""), "a");
  EXPECT_EQ(messages[2].text_or("content", ""), "result of a");
  EXPECT_EQ(messages[3].text_or("tool_call_id", ""), "b");
}

TEST(AgentLoop, DecidesOnATurnInOneRequestOfAgentMode) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks(
      {{"a", "filesystem-read_file"}, {"b", "filesystem-write_file"}, {"c", "filesystem-read_file"}}
  ));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  ASSERT_EQ(fixture.policy.decides.size(), 1U);
  const auto& [request, context] = fixture.policy.decides[0];
  EXPECT_EQ(request.mode(), policy::v1::MODE_AGENT);
  ASSERT_EQ(request.calls_size(), 3);
  EXPECT_EQ(request.calls(1).tool_call_id(), "b");
  EXPECT_EQ(request.decision_id().size(), 3U * 16U) << "one for each call";
  EXPECT_EQ(context.caller_token, "token of key:user");
  EXPECT_EQ(context.chain.str(), fixture.writer->headers().get("x-sluice-chain"));
}

TEST(AgentLoop, LeavesSuggestionsAndEndsInOrderAndNoExplicitExecution) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}}));
  fixture.provider.push(says("Done."));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  std::vector<std::string> actions;
  std::uint32_t hop = 0;
  for (const auto& record : fixture.audit.records()) {
    actions.push_back(record.action());
    EXPECT_GE(record.hop(), hop);
    hop = record.hop();
  }
  EXPECT_EQ(actions, (std::vector<std::string>{"chat.request", "chat.suggestion", "chat.answer"}));
  const std::uint32_t suggested = fixture.audit.with_action("chat.suggestion")[0].hop();
  EXPECT_LT(suggested, fixture.policy.decides[0].second.hop);
  EXPECT_LT(fixture.policy.decides[0].second.hop, fixture.servers.requests[0].second.hop);
  EXPECT_LT(fixture.servers.requests[0].second.hop, fixture.provider.chats[1].second.hop);
}

// policy-engine records the decision on the i-th call of a request i hops above the request's.
TEST(AgentLoop, CarriesCallsOutAboveTheDecisionsOfTheirTurn) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks(many_reads(40)));
  fixture.provider.push(says("Done."));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  const std::uint32_t last_decision = fixture.policy.decides[0].second.hop + 39;
  for (const auto& [request, context] : fixture.servers.requests) {
    EXPECT_GT(context.hop, last_decision);
    EXPECT_LT(context.hop, fixture.provider.chats[1].second.hop);
  }
  EXPECT_GT(fixture.audit.with_action("chat.answer")[0].hop(), last_decision);
}

TEST(AgentLoop, RunsABoundedNumberOfCallsAtTheSameTime) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks(many_reads(20)));
  fixture.provider.push(says("Done."));
  fixture.count_concurrency();

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.servers.requests.size(), 20U);
  EXPECT_EQ(fixture.at_once_max, static_cast<int>(kAgentParallelCallsMax));
}

TEST(AgentLoop, ReturnsAMixedTurnWithTheCallsThatWait) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-write_file"}, {"b", "filesystem-read_file"}}));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"tool_calls\"");
  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), std::vector<std::string>{"a"});
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"tool_calls\"");
  EXPECT_EQ(fixture.member("sluice/approvals"), "[]");
  EXPECT_EQ(fixture.roles("sluice/transcript"), (std::vector<std::string>{"assistant", "tool"}));
  EXPECT_EQ(fixture.ids("sluice/transcript/0/tool_calls"), (std::vector<std::string>{"a", "b"}))
      << "whoever goes on adds the result of a";
  EXPECT_EQ(fixture.member("sluice/transcript/1/tool_call_id"), "\"b\"");
  ASSERT_EQ(fixture.servers.requests.size(), 1U);
  EXPECT_EQ(fixture.servers.requests[0].first.tool_call_id(), "b");
}

TEST(AgentLoop, ListsTheApprovalsThatCallsWaitFor) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.show("write_file", policy::v1::VERDICT_APPROVE_TWICE);
  fixture.provider.push(asks({{"a", "filesystem-write_file"}}));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"approval_required\"");
  EXPECT_EQ(
      fixture.member("sluice/approvals"),
      R"([{"id":"apr_a","tool_call_id":"a","server":"filesystem","tool":"write_file","required":"approve_twice"}])"
  );
  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), std::vector<std::string>{"a"});
}

// Whatever a call comes to, the model learns of it and the chat goes on.
TEST(AgentLoop, TellsTheModelOfCallsThatFail) {
  struct Case {
    Suggested call;
    Result<connector::v1::Final> final;
    std::string told;
  };

  connector::v1::Final is_error;
  is_error.set_outcome(connector::v1::OUTCOME_DONE);
  is_error.set_result(R"({"content":[{"type":"text","text":"no such file"}],"isError":true})");
  connector::v1::Final refused;
  refused.set_outcome(connector::v1::OUTCOME_DONE);
  refused.set_error(R"({"code":-32602,"message":"path is missing"})");
  connector::v1::Final failed;
  failed.set_outcome(connector::v1::OUTCOME_FAILED);
  failed.set_error(R"({"code":1,"message":"the server has gone"})");
  connector::v1::Final asks_back;
  asks_back.mutable_input_required()->set_request_id("r");
  connector::v1::Final large;
  large.set_outcome(connector::v1::OUTCOME_DONE);
  large.set_result(
      R"({"content":[{"type":"text","text":")" + std::string(kAgentResultBytesMax, 'x') + R"("}]})"
  );
  const Suggested read{"a", "filesystem-read_file"};
  const std::vector<Case> cases{
      {read, is_error, "no such file"},
      {read, refused, "path is missing"},
      {read, failed, "the server has gone"},
      {read, asks_back, "only a client of /mcp"},
      {read, large, "is larger than"},
      {read, Error(Code::Deadline, "took too long"), "took too long"},
      {{"a", "filesystem-secret_file"}, is_error, "Policy does not let you run this tool"},
      {{"a", "filesystem-read_fil"}, is_error, "no connected server has a tool"},
      {{"a", "filesystem-read_file", "{\"path\":"}, is_error, "this call is malformed"},
      {{"a", "filesystem-read_file", "[1]"}, is_error, "is not a JSON object"},
  };
  for (const Case& one : cases) {
    AgentFixture fixture;
    fixture.show("read_file", policy::v1::VERDICT_AUTO);
    fixture.provider.push(asks({one.call}));
    fixture.provider.push(says("I see."));
    fixture.servers.push(one.final);

    ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk()) << one.told;

    EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"stop\"") << one.told;
    const std::string told = fixture.member("sluice/transcript/1");
    EXPECT_NE(told.find(one.told), std::string::npos) << told;
    EXPECT_EQ(told.find(R"("is_error":true)") != std::string::npos, one.told != "is larger than");
    EXPECT_NE(
        fixture.provider.chats[1].first.body().find(json::write(json::Value("a"))),
        std::string::npos
    );
  }
}

TEST(AgentLoop, ReturnsCallsOfTheCallersOwnTools) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.offer_code();
  fixture.provider.push(
      asks({{"a", "mine"}, {"b", "filesystem-read_file"}, {"c", "mine", R"({"code":"1"})"}})
  );

  ASSERT_THAT(
      fixture.post_chat(IngressFixture::request(
          chat_body(R"(,"tools":[{"type":"function","function":{"name":"mine"}}])")
      )),
      IsOk()
  );

  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(fixture.member("sluice/transcript/1/tool_call_id"), "\"b\"");
  ASSERT_EQ(fixture.policy.decides.size(), 1U);
  EXPECT_EQ(fixture.policy.decides[0].first.calls_size(), 1);
}

TEST(AgentLoop, StopsAtTheDepthAndReturnsTheCallsOfThatTurn) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  for (const char* id : {"a", "b", "c", "d"}) {
    fixture.provider.push(asks({{id, "filesystem-read_file"}}));
  }

  ASSERT_THAT(
      fixture.post_chat(with_header(IngressFixture::request(chat_body()), "x-sluice-max-depth", "2")
      ),
      IsOk()
  );

  EXPECT_EQ(fixture.provider.chats.size(), 3U);
  EXPECT_EQ(fixture.servers.requests.size(), 2U);
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"max_depth\"");
  EXPECT_EQ(fixture.member("sluice/depth"), "2");
  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), std::vector<std::string>{"c"});
  EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"tool_calls\"");
}

TEST(AgentLoop, StartsNoCallAfterItsDeadline) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}}));
  fixture.provider.push(asks({{"b", "filesystem-read_file"}}));
  fixture.let_calls_take(std::chrono::seconds(29));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"deadline\"");
  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), std::vector<std::string>{"b"});
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
}

TEST(AgentLoop, ReturnsATurnThatCannotBeRunCallByCall) {
  const std::vector<Suggested> many = many_reads(kAgentCallsMax + 1);
  const Suggested read{"a", "filesystem-read_file"};
  const std::vector<std::vector<Suggested>> turns{
      many,
      {read, read},
      {{"", "filesystem-read_file"}},
      {{std::string(kToolCallIdBytesMax + 1, 'x'), "filesystem-read_file"}}
  };
  for (const auto& turn : turns) {
    AgentFixture fixture;
    fixture.show("read_file", policy::v1::VERDICT_AUTO);
    fixture.provider.push(asks(turn));

    ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

    EXPECT_EQ(fixture.ids("choices/0/message/tool_calls").size(), turn.size());
    EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"tool_calls\"");
    EXPECT_TRUE(fixture.servers.requests.empty());
  }
}

TEST(AgentLoop, RunsNoCallOfAnAnswerThatWasCutOff) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}}, "length"));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"length\"");
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"length\"");
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST(AgentLoop, IsOffWhereTheRequestSaysSo) {
  const std::vector<http::HttpRequest> requests{
      with_header(IngressFixture::request(chat_body()), "x-sluice-mode", "manual"),
      IngressFixture::request(chat_body(R"(,"sluice":{"mode":"manual"})")),
      IngressFixture::request(chat_body(R"(,"n":2)")),
  };
  for (const auto& request : requests) {
    AgentFixture fixture;
    fixture.show("read_file", policy::v1::VERDICT_AUTO);
    auto answer = asks({{"a", "filesystem-read_file"}});
    const std::string body = answer.final.body();
    fixture.provider.push(std::move(answer));

    ASSERT_THAT(fixture.post_chat(request), IsOk());

    EXPECT_EQ(fixture.writer->body(), body);
    EXPECT_TRUE(fixture.servers.requests.empty());
    EXPECT_EQ(fixture.provider.chats[0].first.body().find("\"sluice\""), std::string::npos)
        << "providers know no such member";
  }
}

TEST(AgentLoop, IsOffWhereNoToolIsAutomatic) {
  AgentFixture fixture;
  auto answer = asks({{"a", "filesystem-read_file"}});
  const std::string body = answer.final.body();
  fixture.provider.push(std::move(answer));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->body(), body);
}

TEST(AgentLoop, SumsUsageOverAllSteps) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}}));
  fixture.provider.push(says("Done."));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(
      fixture.member("usage"),
      R"({"prompt_tokens":22,"completion_tokens":10,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":4}})"
  );
  EXPECT_EQ(fixture.member("sluice/usage_by_step/1/total_tokens"), "16");
}

TEST(AgentLoop, AnswersWithWhatWasDoneWhenItFailsAfterAnEffect) {
  ScriptedAnswer refusal;
  refusal.final.set_status(503);
  refusal.final.set_body(R"({"error":{"message":"overloaded","type":"server_error"}})");
  ScriptedAnswer lost;
  lost.error = Error(Code::Unavailable, "the provider went away");
  ScriptedAnswer late;
  late.error = Error(Code::Deadline, "the provider took too long");
  for (const auto& [answer, reason] : std::vector<std::pair<ScriptedAnswer, std::string>>{
           {refusal, "error"}, {lost, "error"}, {late, "deadline"}
       }) {
    for (const bool stream : {false, true}) {
      AgentFixture fixture;
      fixture.show("write_file", policy::v1::VERDICT_AUTO);
      fixture.provider.push(
          stream ? streamed("", {{"a", "filesystem-write_file"}})
                 : asks({{"a", "filesystem-write_file"}})
      );
      fixture.provider.push(answer);

      ASSERT_THAT(
          fixture.post_chat(IngressFixture::request(chat_body(stream ? R"(,"stream":true)" : ""))),
          IsOk()
      );

      EXPECT_EQ(fixture.writer->status(), 200);
      EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"" + reason + "\"");
      EXPECT_NE(fixture.member("sluice/error/message"), "");
      EXPECT_EQ(
          fixture.roles("sluice/transcript"), (std::vector<std::string>{"assistant", "tool"})
      );
      EXPECT_EQ(fixture.audit.with_action("chat.answer").size(), 1U);
      if (!stream) {
        EXPECT_EQ(fixture.member("choices/0/message"), R"({"role":"assistant","content":""})");
        EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"stop\"");
      }
    }
  }
}

TEST(AgentLoop, AnswersWithTheErrorWhenNothingWasChanged) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}}));
  ScriptedAnswer refusal;
  refusal.final.set_status(401);
  refusal.final.set_body(R"({"error":{"message":"no"}})");
  fixture.provider.push(std::move(refusal));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 401);
  EXPECT_EQ(fixture.writer->headers().get("x-should-retry"), "false");
  EXPECT_EQ(fixture.writer->body(), R"({"error":{"message":"no"}})");
}

TEST(AgentLoop, ReturnsTheCallsWhenNobodyDecidesAfterAnEffect) {
  AgentFixture fixture;
  fixture.show("write_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-write_file"}}));
  fixture.provider.push(asks({{"b", "filesystem-write_file"}}));
  fixture.fail_after_first_call();

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  EXPECT_EQ(fixture.writer->status(), 200);
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"error\"");
  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), std::vector<std::string>{"b"});
}

TEST(AgentLoop, AWriteHasTheDecisionIdOfItsExplicitExecution) {
  AgentFixture fixture;
  fixture.show("write_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-write_file"}, {"b", "filesystem-write_file"}}));
  fixture.provider.push(says("Done."));
  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  for (const char* id : {"a", "b"}) {
    const auto executed = fixture.post_execute(IngressFixture::request(
        std::string(R"({"id":")") + id +
        R"(","function":{"name":"filesystem-write_file","arguments":"{\"path\":\"x\"}"}})"
    ));
    ASSERT_THAT(executed, IsOk());
  }

  ASSERT_EQ(fixture.policy.decides.size(), 3U);
  EXPECT_EQ(
      fixture.policy.decides[0].first.decision_id(),
      fixture.policy.decides[1].first.decision_id() + fixture.policy.decides[2].first.decision_id()
  );
}

TEST(AgentLoop, CancelsReadsAndLetsWritesRunWhenTheClientGoes) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.show("write_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(asks({{"a", "filesystem-read_file"}, {"b", "filesystem-write_file"}}));
  fixture.hold_calls();
  fixture.writer = std::make_unique<http::testing::RecordingResponseWriter>();
  async::TaskGroup client(fixture.loop.get_executor(), nullptr);
  client.spawn(
      "chat",
      fixture.chat(IngressFixture::request(chat_body()), fixture.writer.get(), fixture.context())
  );
  fixture.loop.poll();
  ASSERT_EQ(fixture.servers.requests.size(), 2U);

  ASSERT_THAT(fixture.run(client.cancel_and_close()), IsOk());

  EXPECT_TRUE(fixture.servers.requests[0].first.cancel_with_caller());
  EXPECT_FALSE(fixture.servers.requests[1].first.cancel_with_caller());
  EXPECT_EQ(fixture.at_once, 0) << "nothing runs on";
  EXPECT_FALSE(fixture.writer->begun());
  EXPECT_EQ(fixture.audit.with_action("chat.answer")[0].error_code(), "Cancelled");
}

// Whatever fails: a full answer, an error, or an answer that says what was done; never a half one.
TEST(AgentLoop, FailsCleanlyWhateverDependencyFails) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    AgentFixture fixture(&plan);
    fixture.show("write_file", policy::v1::VERDICT_AUTO);
    fixture.provider.push(asks({{"a", "filesystem-write_file"}}));
    fixture.provider.push(says("Done."));

    const auto done = fixture.post_chat(IngressFixture::request(chat_body()));

    const std::string body = fixture.writer->body();
    const bool whole = body.find("\"stop_reason\":\"stop\"") != std::string::npos;
    const bool told = !done.ok() || body.find("\"error\"") != std::string::npos;
    EXPECT_NE(whole, told) << body;
    const bool acted = !fixture.servers.requests.empty();
    EXPECT_TRUE(!acted || fixture.writer->status() == 200 || !done.ok()) << body;
    EXPECT_EQ(fixture.provider.streams_open, 0);
  });
  EXPECT_GE(faults, 10);
}

}  // namespace
}  // namespace sluice::ingress
