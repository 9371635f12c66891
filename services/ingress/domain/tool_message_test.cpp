#include "services/ingress/domain/tool_message.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

std::string chat(const std::string& result) {
  auto message = tool_message({.result = result, .error = {}}, "c1", CallFormat::Chat);
  EXPECT_THAT(message, IsOk());
  return message.ok() ? std::move(message).value() : std::string();
}

TEST(ToolMessage, JoinsTextBlocks) {
  EXPECT_EQ(
      chat(R"({"content":[{"type":"text","text":"one"},{"type":"text","text":"two \"2\""}]})"),
      R"({"role":"tool","content":"one\ntwo \"2\"","tool_call_id":"c1"})"
  );
}

TEST(ToolMessage, KeepsOtherBlocksAsTheirJson) {
  EXPECT_EQ(
      chat(
          R"({"content":[{"type":"text","text":"see"},{"type":"image","data":"AA==","mimeType":"image/png","size":1.50}]})"
      ),
      R"({"role":"tool","content":[{"type":"text","text":"see"},{"type":"text","text":"{\"type\":\"image\",\"data\":\"AA==\",\"mimeType\":\"image/png\",\"size\":1.50}"}],"tool_call_id":"c1"})"
  );
}

TEST(ToolMessage, KeepsTheAnnotationsOfATextBlock) {
  const std::string message =
      chat(R"({"content":[{"type":"text","text":"a","annotations":{"audience":["user"]}}]})");

  EXPECT_NE(message.find("audience"), std::string::npos);
}

TEST(ToolMessage, UsesStructuredContentWhereThereIsNoBlock) {
  EXPECT_EQ(
      chat(R"({"content":[],"structuredContent":{"n":12345678901234567890}})"),
      R"({"role":"tool","content":"{\"n\":12345678901234567890}","tool_call_id":"c1"})"
  );
  EXPECT_EQ(chat(R"({"content":[]})"), R"({"role":"tool","content":"","tool_call_id":"c1"})");
}

TEST(ToolMessage, SaysThatTheToolFailed) {
  EXPECT_EQ(
      chat(R"({"content":[{"type":"text","text":"no such file"}],"isError":true})"),
      R"({"role":"tool","content":"no such file","tool_call_id":"c1","is_error":true})"
  );
}

TEST(ToolMessage, TellsAJsonRpcError) {
  const auto message = tool_message(
      {.result = {}, .error = R"({"code":-32602,"message":"bad path","data":{"path":"x"}})"},
      "c1",
      CallFormat::Chat
  );

  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(
      message.value(),
      R"({"role":"tool","content":"Error: bad path (code -32602)\n{\"path\":\"x\"}","tool_call_id":"c1","is_error":true})"
  );
}

TEST(ToolMessage, HasAResponsesForm) {
  const auto message = tool_message(
      {.result = R"({"content":[{"type":"text","text":"a"}]})", .error = {}},
      "c\"1",
      CallFormat::Responses
  );

  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(message.value(), R"({"type":"function_call_output","call_id":"c\"1","output":"a"})");
}

TEST(ToolMessage, RefusesWhatIsNoToolResult) {
  for (const char* result :
       {"", "[]", "{}", "{", R"({"content":"text"})", R"({"content":[1,1],"content":[]})"}) {
    EXPECT_THAT(
        tool_message({.result = result, .error = {}}, "c1", CallFormat::Chat),
        HasCode(Code::Unavailable)
    ) << result;
  }
}

TEST(RecordedToolMessage, GivesBackWhatTheTrailKept) {
  EXPECT_EQ(
      recorded_tool_message(R"({"content":[{"type":"text","text":"a"}]})", "c1", CallFormat::Chat)
          .value(),
      R"({"role":"tool","content":"a","tool_call_id":"c1"})"
  );
  EXPECT_EQ(
      recorded_tool_message(R"({"code":-1,"message":"no"})", "c1", CallFormat::Chat).value(),
      R"x({"role":"tool","content":"Error: no (code -1)","tool_call_id":"c1","is_error":true})x"
  );
}

TEST(RecordedToolMessage, SaysWhenTheResultIsNoLongerKept) {
  const auto message = recorded_tool_message("", "c1", CallFormat::Chat);

  ASSERT_THAT(message, IsOk());
  const auto parsed = json::parse(message.value());
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed.value().find("body_expired")->as_bool(), true);
  EXPECT_EQ(parsed.value().text_or("tool_call_id", ""), "c1");
}

}  // namespace
}  // namespace sluice::ingress
