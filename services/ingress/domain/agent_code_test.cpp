// Scripts and the tools that read about them, in agent mode.
#include "services/ingress/testing/agent_fixture.h"

#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;

constexpr std::string_view kBody =
    R"({"model":"m/x","messages":[{"role":"user","content":"do it"}]})";

codemode::v1::RunFinal final_of(codemode::v1::Outcome outcome, std::uint32_t calls = 0) {
  codemode::v1::RunFinal final;
  final.set_outcome(outcome);
  final.set_run_id("run_7");
  final.set_calls(calls);
  final.set_hop(5'000);
  return final;
}

Suggested script(const std::string& id) {
  return {id, "executeToolCode", R"x({"code":"return await youtube.search({query: 'x'})"})x"};
}

class AgentCodeTest : public ::testing::Test {
 protected:
  AgentCodeTest() { fixture.offer_code(); }

  void chat() {
    ASSERT_THAT(fixture.post_chat(IngressFixture::request(std::string(kBody))), IsOk());
  }

  AgentFixture fixture;
};

TEST_F(AgentCodeTest, ReadingToolsRunByThemselves) {
  fixture.provider.push(asks(
      {{"a", "listToolFiles", "{}"},
       {"b", "readToolFile", R"({"fileName":"youtube","startLine":1,"endLine":5})"},
       {"c", "searchTools", R"({"query":"find videos"})"},
       {"d", "readToolFile", "{}"}}
  ));
  fixture.provider.push(says("done"));

  chat();

  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"stop\"");
  EXPECT_EQ(fixture.member("sluice/depth"), "1");
  EXPECT_THAT(fixture.member("sluice/transcript/1/content"), HasSubstr("youtube.d.ts"));
  EXPECT_EQ(fixture.member("sluice/transcript/2/tool_call_id"), "\"b\"");
  EXPECT_THAT(fixture.member("sluice/transcript/4/content"), HasSubstr("fileName"));
  ASSERT_EQ(fixture.scripts.described.size(), 3U);
  EXPECT_TRUE(fixture.scripts.described[0].first.has_list());
  EXPECT_EQ(fixture.scripts.described[1].first.read().name(), "youtube");
  EXPECT_EQ(fixture.scripts.described[1].first.read().end_line(), 5U);
  EXPECT_EQ(fixture.scripts.described[2].first.search().query(), "find videos");
  EXPECT_EQ(fixture.audit.with_action("tool.execute").size(), 4U);
  EXPECT_TRUE(fixture.policy.decides.empty());
}

TEST_F(AgentCodeTest, AScriptOfAutomaticCallsRunsUnattended) {
  auto final = final_of(codemode::v1::OUTCOME_OK, 1);
  final.set_value(R"(["title"])");
  fixture.scripts.push(std::move(final));
  fixture.provider.push(asks({script("a")}));
  fixture.provider.push(says("done"));

  chat();

  ASSERT_EQ(fixture.scripts.runs.size(), 1U);
  EXPECT_TRUE(fixture.scripts.runs[0].first.unattended());
  EXPECT_EQ(fixture.scripts.runs[0].first.tool_call_id(), "a");
  EXPECT_EQ(
      fixture.member("sluice/transcript/1/content"),
      json::write(json::Value(R"({"result":["title"]})"))
  );
  EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"stop\"");
  ASSERT_EQ(fixture.provider.chats.size(), 2U);
  EXPECT_GT(fixture.provider.chats[1].second.hop, 5'000U) << "above the records of the run";
}

TEST_F(AgentCodeTest, AScriptThatMayNotComesBackWithItsCallSet) {
  auto final = final_of(codemode::v1::OUTCOME_WAITS);
  auto& call = *final.add_call_set();
  call.set_server("youtube");
  call.set_tool("search");
  call.set_verdict(policy::v1::VERDICT_MANUAL);
  call.set_rule("preset.manual");
  call.set_reason("nobody said otherwise");
  fixture.scripts.push(std::move(final));
  fixture.provider.push(asks({{"a", "listToolFiles", "{}"}, script("b")}));

  chat();

  EXPECT_EQ(fixture.ids("choices/0/message/tool_calls"), (std::vector<std::string>{"b"}));
  EXPECT_EQ(fixture.member("choices/0/finish_reason"), "\"tool_calls\"");
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"tool_calls\"");
  EXPECT_EQ(fixture.member("sluice/transcript/1/tool_call_id"), "\"a\"");
  EXPECT_EQ(
      fixture.member("sluice/scripts"),
      R"([{"tool_call_id":"b","call_set":[{"server":"youtube","tool":"search","verdict":"manual",)"
      R"("rule":"preset.manual","reason":"nobody said otherwise"}]}])"
  );
}

TEST_F(AgentCodeTest, AScriptThatFailsIsToldToTheModel) {
  auto wrong = final_of(codemode::v1::OUTCOME_TYPE_ERROR);
  wrong.mutable_error()->set_message("there is no serch");
  fixture.scripts.push(std::move(wrong));
  auto denied = final_of(codemode::v1::OUTCOME_DENIED);
  denied.mutable_error()->set_message("youtube.search is denied");
  fixture.scripts.push(std::move(denied));
  fixture.scripts.push(Error(Code::Unavailable, "no runner is there"));
  for (const char* id : {"a", "b", "c"}) {
    fixture.provider.push(asks({script(id)}));
  }
  fixture.provider.push(asks({{"d", "executeToolCode", "{}"}}));
  fixture.provider.push(says("I give up"));

  chat();

  EXPECT_THAT(fixture.member("sluice/transcript/1/content"), HasSubstr("there is no serch"));
  EXPECT_THAT(fixture.member("sluice/transcript/3/content"), HasSubstr("denied"));
  EXPECT_THAT(fixture.member("sluice/transcript/5/content"), HasSubstr("no runner is there"));
  EXPECT_THAT(fixture.member("sluice/transcript/7/content"), HasSubstr("code"));
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"stop\"");
  EXPECT_EQ(fixture.member("sluice/scripts"), "");
}

TEST_F(AgentCodeTest, AfterAScriptThatCalledSomethingTheAnswerIs200) {
  auto final = final_of(codemode::v1::OUTCOME_OK, 2);
  final.set_value("1");
  fixture.scripts.push(std::move(final));
  fixture.provider.push(asks({script("a")}));
  ScriptedAnswer lost;
  lost.error = Error(Code::Unavailable, "the provider went away");
  fixture.provider.push(std::move(lost));

  chat();

  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"error\"");
  EXPECT_EQ(fixture.member("sluice/transcript/1/tool_call_id"), "\"a\"");
}

}  // namespace
}  // namespace sluice::ingress
