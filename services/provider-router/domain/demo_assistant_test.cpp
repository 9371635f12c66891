#include "services/provider-router/domain/demo_assistant.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr const char* kTools = R"("tools":[
  {"type":"function","function":{"name":"everything-echo","parameters":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}}},
  {"type":"function","function":{"name":"everything-get-sum","parameters":{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}}}}},
  {"type":"function","function":{"name":"filesystem-read_file","parameters":{"type":"object","properties":{"path":{"type":"string"}}}}},
  {"type":"function","function":{"name":"filesystem-read_text_file","parameters":{"type":"object","properties":{"path":{"type":"string"},"tail":{"type":"number"}}}}},
  {"type":"function","function":{"name":"filesystem-write_file","parameters":{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}}}}},
  {"type":"function","function":{"name":"notes-list_directory","parameters":{"type":"object","properties":{"folder":{"type":"string"}}}}}])";

Result<DemoReply> reply_to(const std::string& messages, const std::string& more = kTools) {
  SLUICE_TRY(
      const json::Value request,
      json::parse(
          R"({"model":"demo/assistant","messages":)" + messages + (more.empty() ? "" : "," + more) +
          "}"
      )
  );
  return demo_reply(request, "seed");
}

std::string user(const std::string& text) {
  return R"([{"role":"system","content":"s"},{"role":"user","content":")" + text + R"("}])";
}

struct Row {
  std::string text;
  std::string tool;
  std::string arguments;
};

TEST(DemoAssistant, PicksToolsAndFillsArgumentsByTheirSchemas) {
  const std::vector<Row> rows{
      {"Read /d/hello.txt and tell me what it says",
       "filesystem-read_text_file",
       R"({"path":"/d/hello.txt"})"},
      {"list /d", "notes-list_directory", R"({"folder":"/d"})"},
      {"write hi there to /d/x.txt",
       "filesystem-write_file",
       R"({"path":"/d/x.txt","content":"hi there"})"},
      {"echo hello", "everything-echo", R"({"message":"hello"})"},
      {"add 2 and 3", "everything-get-sum", R"({"a":2,"b":3})"},
  };
  for (const Row& row : rows) {
    const auto reply = reply_to(user(row.text));
    ASSERT_THAT(reply, IsOk());
    ASSERT_EQ(reply.value().facts.tool_calls.size(), 1U) << row.text;
    EXPECT_EQ(reply.value().facts.tool_calls[0].name, row.tool);
    EXPECT_EQ(reply.value().facts.tool_calls[0].arguments, row.arguments);
    EXPECT_EQ(reply.value().facts.tool_calls[0].id, "call_demo_seed_0");
    EXPECT_EQ(reply.value().facts.finish_reason, "tool_calls");
  }
}

TEST(DemoAssistant, CallsSeveralToolsInOneTurn) {
  const auto reply = reply_to(user("read /a/b.txt and echo yes"));

  ASSERT_THAT(reply, IsOk());
  ASSERT_EQ(reply.value().facts.tool_calls.size(), 2U);
  EXPECT_EQ(reply.value().facts.tool_calls[1].id, "call_demo_seed_1");
  EXPECT_EQ(
      reply_to(
          user("read /a/b.txt and echo yes"),
          std::string(kTools) + R"(,"parallel_tool_calls":false)"
      )
          .value()
          .facts.tool_calls.size(),
      1U
  );
}

TEST(DemoAssistant, AnswersFromTheToolsResult) {
  const auto reply = reply_to(
      R"([{"role":"user","content":"Read /d/hello.txt"},
          {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"filesystem-read_text_file","arguments":"{\"path\":\"/d/hello.txt\"}"}}]},
          {"role":"tool","tool_call_id":"c1","content":"Hello from the file"}])"
  );

  ASSERT_THAT(reply, IsOk());
  EXPECT_TRUE(reply.value().facts.tool_calls.empty());
  EXPECT_NE(
      reply.value().text.find(
          "I read /d/hello.txt (tool filesystem-read_text_file). It says: Hello from the file"
      ),
      std::string::npos
  );
  EXPECT_NE(reply.value().text.find("demo"), std::string::npos);
}

TEST(DemoAssistant, TakesOneStepAfterTheOther) {
  const std::string asked =
      R"({"role":"user","content":"echo \"a\" and echo \"b\", then add 2 and 3, then good bye"})";
  const std::string first =
      R"(,{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"everything-echo","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"a"})";
  const std::string second =
      R"(,{"role":"assistant","tool_calls":[{"id":"c2","function":{"name":"everything-get-sum","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c2","content":"5"})";

  const auto one = reply_to("[" + asked + "]");
  const auto two = reply_to("[" + asked + first + "]");
  const auto end = reply_to("[" + asked + first + second + "]");

  ASSERT_EQ(one.value().facts.tool_calls.size(), 2U);
  ASSERT_EQ(two.value().facts.tool_calls.size(), 1U);
  EXPECT_EQ(two.value().facts.tool_calls[0].name, "everything-get-sum");
  EXPECT_TRUE(end.value().facts.tool_calls.empty());
  EXPECT_NE(end.value().text.find("everything-echo answered: a"), std::string::npos);
  EXPECT_NE(end.value().text.find("everything-get-sum answered: 5"), std::string::npos);
}

TEST(DemoAssistant, ReadsMcpResultsWrittenAsJson) {
  const auto reply = reply_to(
      R"([{"role":"user","content":"add 2 and 3"},
          {"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"everything-get-sum","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"c1","content":"{\"content\":[{\"type\":\"text\",\"text\":\"It is 5\"}]}"}])"
  );

  EXPECT_NE(
      reply.value().text.find("The tool everything-get-sum answered: It is 5"), std::string::npos
  ) << reply.value().text;
}

TEST(DemoAssistant, SaysWhenNoToolIsOffered) {
  const auto reply = reply_to(user("read /etc/hosts"), "");

  ASSERT_THAT(reply, IsOk());
  EXPECT_TRUE(reply.value().facts.tool_calls.empty());
  EXPECT_NE(reply.value().text.find("offers no tool"), std::string::npos);
  EXPECT_NE(reply_to(user("good morning")).value().text.find("demo/assistant"), std::string::npos);
}

TEST(DemoAssistant, ObeysToolChoice) {
  EXPECT_TRUE(reply_to(user("echo x"), std::string(kTools) + R"(,"tool_choice":"none")")
                  .value()
                  .facts.tool_calls.empty());
  const auto named = reply_to(
      user("good morning"),
      std::string(kTools) +
          R"(,"tool_choice":{"type":"function","function":{"name":"everything-echo"}})"
  );
  ASSERT_EQ(named.value().facts.tool_calls.size(), 1U);
  EXPECT_EQ(named.value().facts.tool_calls[0].arguments, R"({"message":"good morning"})");
  EXPECT_EQ(
      reply_to(user("hm"), std::string(kTools) + R"(,"tool_choice":"required")")
          .value()
          .facts.tool_calls.size(),
      1U
  );
}

TEST(DemoAssistant, FillsTheRequiredArgumentsOfAForcedCall) {
  const auto reply = reply_to(
      user("old note"),
      R"("tools":[{"type":"function","function":{"name":"forget","parameters":{"type":"object","properties":{
        "names":{"type":"array","items":{"type":"string"}},"places":{"type":"array","items":{"type":"object"}},
        "force":{"type":"boolean"}},"required":["names","places","force"]}}}],"tool_choice":"required")"
  );

  ASSERT_EQ(reply.value().facts.tool_calls.size(), 1U);
  EXPECT_EQ(
      reply.value().facts.tool_calls[0].arguments,
      R"({"names":["old note"],"places":[],"force":false})"
  );
}

TEST(DemoAssistant, DoesNotTakeANameThatOnlyLooksAlike) {
  const auto reply = reply_to(
      user("add 2 and 3"),
      R"("tools":[{"type":"function","function":{"name":"fs-nomad"}},{"type":"function","function":{"name":"download"}}])"
  );

  EXPECT_TRUE(reply.value().facts.tool_calls.empty());
}

TEST(DemoAssistant, RefusesWhatItCannotDo) {
  EXPECT_THAT(reply_to("[]"), HasCode(Code::Invalid));
  EXPECT_THAT(reply_to(user("x"), R"("n":2)"), HasCode(Code::Invalid));
}

TEST(DemoAssistant, WritesValidCompletionsAndChunks) {
  const DemoFrame frame{"seed", "demo/assistant", 1700000000, true};
  for (const char* text : {"read /a/b.txt and list /a", "good morning"}) {
    const auto reply = reply_to(user(text));
    ASSERT_THAT(reply, IsOk());

    const auto completion = json::parse(demo_completion(reply.value(), frame));
    const auto chunks = demo_chunks(reply.value(), frame);

    ASSERT_THAT(completion, IsOk());
    const json::Value& message =
        *completion.value().find("choices")->as_array()->front().find("message");
    std::string content;
    std::string arguments;
    EXPECT_GT(chunks.size(), 3U);
    for (const std::string& events : chunks) {
      for (std::size_t at = 0; at < events.size();) {
        const std::size_t end = events.find("\n\n", at);
        ASSERT_TRUE(events.substr(at).starts_with("data: "));
        const auto data = json::parse(std::string_view(events).substr(at + 6, end - at - 6));
        ASSERT_THAT(data, IsOk());
        at = end + 2;
        const auto& choices = *data.value().find("choices")->as_array();
        if (choices.empty()) {
          EXPECT_TRUE(data.value().find("usage")->is_object());
          continue;
        }
        const json::Value& delta = *choices.front().find("delta");
        content += delta.text_or("content", "");
        if (const json::Value* calls = delta.find("tool_calls")) {
          arguments += calls->as_array()->front().find("function")->text_or("arguments", "");
        }
      }
    }
    EXPECT_EQ(content, message.text_or("content", ""));
    EXPECT_EQ(arguments.empty(), reply.value().facts.tool_calls.empty());
  }
}

}  // namespace
}  // namespace sluice::provider_router
