#include "services/provider-router/domain/translate/anthropic_request.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::IsOk;

const AnthropicTarget kTarget{"claude", false, 4096};

// The translation of {"messages": messages, more…} as text, or the error.
Result<std::string> translated(
    const std::string& messages, const std::string& more = "", AnthropicTarget target = kTarget
) {
  SLUICE_TRY(
      const json::Value request,
      json::parse(
          R"({"model":"a/claude","messages":)" + messages + (more.empty() ? "" : "," + more) + "}"
      )
  );
  SLUICE_TRY(const AnthropicBody body, anthropic_request(request, target));
  return json::write(body.body);
}

std::string of(const std::string& messages, const std::string& more = "") {
  auto result = translated(messages, more);
  return result.ok() ? result.value() : result.error().to_log();
}

constexpr const char* kHi = R"([{"role":"user","content":"hi"}])";

std::string with_hi(const std::string& members) {
  return R"({"model":"claude","max_tokens":4096,"messages":[{"role":"user","content":"hi"}])" +
         (members.empty() ? "" : "," + members) + "}";
}

TEST(AnthropicRequest, FillsModelAndMaxTokens) {
  EXPECT_EQ(of(kHi), with_hi(""));
  EXPECT_NE(of(kHi, R"("max_tokens":7)").find(R"("max_tokens":7)"), std::string::npos);
  EXPECT_NE(
      of(kHi, R"("max_tokens":7,"max_completion_tokens":9)").find(R"("max_tokens":9)"),
      std::string::npos
  );
}

TEST(AnthropicRequest, LiftsSystemAndDeveloperMessages) {
  EXPECT_EQ(
      of(R"([{"role":"system","content":"a"},{"role":"user","content":"hi"}])"),
      R"({"model":"claude","max_tokens":4096,"system":"a","messages":[{"role":"user","content":"hi"}]})"
  );
  EXPECT_EQ(
      of(R"([{"role":"developer","content":"a"},{"role":"user","content":"hi"},{"role":"system","content":[{"type":"text","text":"b"}]}])"
      ),
      R"({"model":"claude","max_tokens":4096,"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"messages":[{"role":"user","content":"hi"}]})"
  );
}

TEST(AnthropicRequest, MergesTurnsAndPutsToolResultsBeforeText) {
  EXPECT_EQ(
      of(R"([{"role":"user","content":"u"},
             {"role":"assistant","content":null,"tool_calls":[
               {"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}},
               {"id":"2","type":"function","function":{"name":"g","arguments":""}}]},
             {"role":"tool","tool_call_id":"1","content":"one"},
             {"role":"user","content":"and?"},
             {"role":"tool","tool_call_id":"2","content":[{"type":"text","text":"two"}]}])"),
      R"({"model":"claude","max_tokens":4096,"messages":[{"role":"user","content":"u"},)"
      R"({"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"x":1}},{"type":"tool_use","id":"2","name":"g","input":{}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"one"},)"
      R"({"type":"tool_result","tool_use_id":"2","content":[{"type":"text","text":"two"}]},{"type":"text","text":"and?"}]}]})"
  );
}

TEST(AnthropicRequest, LeavesOutTurnsThatSayNothing) {
  EXPECT_EQ(
      of(R"([{"role":"user","content":"a"},{"role":"assistant","content":""},{"role":"user","content":"b"}])"
      ),
      R"({"model":"claude","max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]})"
  );
}

TEST(AnthropicRequest, TranslatesImagesAndFiles) {
  EXPECT_EQ(
      of(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},
             {"type":"image_url","image_url":{"url":"https://x.test/i.png"}},
             {"type":"file","file":{"file_data":"data:application/pdf;base64,QQ==","filename":"a.pdf"}}]}])"
      ),
      R"({"model":"claude","max_tokens":4096,"messages":[{"role":"user","content":[)"
      R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},)"
      R"({"type":"image","source":{"type":"url","url":"https://x.test/i.png"}},)"
      R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QQ=="},"title":"a.pdf"}]}]})"
  );
}

TEST(AnthropicRequest, TranslatesToolsAndChoices) {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}}])";
  const std::string sent =
      R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true}])";

  EXPECT_EQ(of(kHi, tools), with_hi(sent));
  EXPECT_EQ(
      of(kHi, tools + R"(,"tool_choice":"none")"),
      with_hi(sent + R"(,"tool_choice":{"type":"none"})")
  );
  EXPECT_EQ(
      of(kHi, tools + R"(,"tool_choice":"auto")"),
      with_hi(sent + R"(,"tool_choice":{"type":"auto"})")
  );
  EXPECT_EQ(
      of(kHi, tools + R"(,"tool_choice":"required")"),
      with_hi(sent + R"(,"tool_choice":{"type":"any"})")
  );
  EXPECT_EQ(
      of(kHi, tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})"),
      with_hi(sent + R"(,"tool_choice":{"type":"tool","name":"f"})")
  );
  EXPECT_EQ(
      of(kHi, tools + R"(,"parallel_tool_calls":false)"),
      with_hi(sent + R"(,"tool_choice":{"type":"auto","disable_parallel_tool_use":true})")
  );
}

TEST(AnthropicRequest, TranslatesSamplingStopAndUser) {
  EXPECT_EQ(
      of(kHi, R"("temperature":1.7,"top_p":0.5,"stop":"S","user":"u1")"),
      with_hi(R"("temperature":1,"top_p":0.5,"stop_sequences":["S"],"metadata":{"user_id":"u1"})")
  );
  EXPECT_EQ(
      of(kHi, R"("temperature":0.30,"stop":["a","b"])"),
      with_hi(R"("temperature":0.30,"stop_sequences":["a","b"])")
  );
}

TEST(AnthropicRequest, DropsWhatAnthropicDoesNotHave) {
  EXPECT_EQ(
      of(kHi,
         R"("seed":1,"presence_penalty":0.5,"logit_bias":{},"store":true,"n":1,"logprobs":false,"mcp_servers":[{"url":"x"}])"
      ),
      with_hi("")
  );
}

TEST(AnthropicRequest, TranslatesSchemas) {
  EXPECT_EQ(
      of(kHi,
         R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}})"
      ),
      with_hi(R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})")
  );
  EXPECT_EQ(of(kHi, R"("response_format":{"type":"json_object"})"), with_hi(""));
}

TEST(AnthropicRequest, TurnsEffortIntoABudgetBelowTheLimit) {
  EXPECT_NE(
      of(kHi, R"("reasoning_effort":"low","temperature":0.2)")
          .find(R"("thinking":{"type":"enabled","budget_tokens":1024}})"),
      std::string::npos
  );
  EXPECT_NE(
      of(kHi, R"("reasoning_effort":"high")").find(R"("budget_tokens":4095)"), std::string::npos
  );
  EXPECT_NE(
      of(kHi, R"("reasoning_effort":"none")").find(R"("thinking":{"type":"disabled"})"),
      std::string::npos
  );
  EXPECT_EQ(
      of(kHi, R"("reasoning_effort":"high","max_tokens":1000)").find("thinking"), std::string::npos
  );
  EXPECT_EQ(of(kHi, R"("reasoning_effort":"low")").find("temperature"), std::string::npos);
}

TEST(AnthropicRequest, DoesNotThinkWithAForcedTool) {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","reasoning_effort":"low")";

  EXPECT_EQ(of(kHi, tools).find("thinking"), std::string::npos);
}

TEST(AnthropicRequest, SendsSignedThinkingBackBeforeTheRest) {
  EXPECT_EQ(
      of(R"([{"role":"user","content":"u"},{"role":"assistant","content":"t","reasoning_content":"hm","reasoning_details":[
             {"type":"reasoning.text","text":"hm","signature":"SIG"},{"type":"reasoning.text","text":"unsigned"},
             {"type":"reasoning.encrypted","data":"XX"}],
             "tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"1","content":"r"}])",
         R"("reasoning_effort":"low")"),
      R"({"model":"claude","max_tokens":4096,"messages":[{"role":"user","content":"u"},{"role":"assistant","content":[)"
      R"({"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"redacted_thinking","data":"XX"},{"type":"text","text":"t"},)"
      R"({"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"}]}],)"
      R"("thinking":{"type":"enabled","budget_tokens":1024}})"
  );
}

TEST(AnthropicRequest, DoesNotThinkWhenTheLastToolTurnCameBackUnsigned) {
  EXPECT_EQ(
      of(R"([{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"1","content":"r"}])",
         R"("reasoning_effort":"low")")
          .find("budget"),
      std::string::npos
  );
}

TEST(AnthropicRequest, PassesCacheControlOn) {
  const std::string body = of(
      R"([{"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"u"}])",
      R"("tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral","ttl":"1h"}}])"
  );

  EXPECT_NE(
      body.find(R"({"type":"text","text":"s","cache_control":{"type":"ephemeral"}})"),
      std::string::npos
  ) << body;
  EXPECT_NE(body.find(R"("cache_control":{"type":"ephemeral","ttl":"1h"})"), std::string::npos)
      << body;
}

TEST(AnthropicRequest, SaysWhereItIsWrong) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"[]", ""},
      {R"([{"role":"system","content":"only"}])", ""},
      {R"([{"role":"robot","content":"x"}])", ""},
      {R"([{"role":"user","content":7}])", ""},
      {R"([{"role":"user","content":[{"type":"input_audio"}]}])", ""},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}])",
       ""},
      {R"([{"role":"tool","content":"x"}])", ""},
      {R"([{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{"}}]}])",
       ""},
      {R"([{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"[]"}}]}])",
       ""},
      {R"([{"role":"assistant","tool_calls":[{"function":{}}]}])", ""},
      {kHi, R"("n":2)"},
      {kHi, R"("logprobs":true)"},
      {kHi, R"("functions":[])"},
      {kHi, R"("audio":{})"},
      {kHi, R"("max_tokens":0)"},
      {kHi, R"("max_tokens":"many")"},
      {kHi, R"("tools":{})"},
      {kHi, R"("tools":[{"type":"custom"}])"},
      {kHi, R"("tool_choice":"maybe")"},
      {kHi, R"("tool_choice":{})"},
      {kHi, R"("response_format":{"type":"json_schema"})"},
  };
  for (const auto& [messages, more] : bad) {
    const auto result = translated(messages, more);
    ASSERT_THAT(result, HasCode(Code::Invalid)) << messages << more;
    EXPECT_GT(result.error().message().size(), 20U);
  }
  EXPECT_THAT(anthropic_request(json::Value(), kTarget), HasCode(Code::Invalid));
}

TEST(AnthropicRequest, MarksAStream) {
  const auto request = json::parse(
      R"({"messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}})"
  );

  const auto body = anthropic_request(request.value(), {"claude", true, 10});

  ASSERT_THAT(body, IsOk());
  EXPECT_TRUE(body.value().usage_asked);
  EXPECT_TRUE(body.value().body.find("stream")->as_bool().value());
}

}  // namespace
}  // namespace sluice::provider_router
