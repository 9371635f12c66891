#include "services/ingress/domain/chat_body.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

SnapshotPtr snapshot_with(const std::string& tool) {
  connector::v1::CatalogReply servers;
  policy::v1::VisibleReply shown;
  add_tool(servers, "files", tool, R"({"name":"x","inputSchema":{"type":"object"}})");
  show_tool(shown, "files", tool, policy::v1::EFFECT_CLASS_READ);
  return CatalogSnapshot::build(servers, shown);
}

// Names of the tools in a body, in order.
std::vector<std::string> names_in(const std::string& body) {
  std::vector<std::string> names;
  const auto parsed = json::parse(body);
  EXPECT_THAT(parsed, IsOk()) << body;
  if (parsed.ok() && parsed.value().find("tools") != nullptr) {
    for (const auto& tool : *parsed.value().find("tools")->as_array()) {
      names.push_back(tool.find("function")->text_or("name", ""));
    }
  }
  return names;
}

TEST(ChatBody, ReadsModelAndStream) {
  std::string body = chat_body(R"(,"stream":true,"tool_choice":"none","n":2)");

  const auto chat = ChatBody::parse(body);

  ASSERT_THAT(chat, IsOk());
  EXPECT_EQ(chat.value().model(), "demo/assistant");
  EXPECT_TRUE(chat.value().stream());
}

TEST(ChatBody, TakesNullForAnAbsentStreamOrTools) {
  std::string body = chat_body(R"(,"stream":null,"tools":null)");

  const auto chat = ChatBody::parse(body);

  ASSERT_THAT(chat, IsOk());
  EXPECT_FALSE(chat.value().stream());
}

struct BadBody {
  const char* body;
  const char* hint;  // what the message must name
};

TEST(ChatBody, RefusesBadBodiesAndSaysWhatToDo) {
  const std::vector<BadBody> bad{
      {"", ""},
      {"null", ""},
      {"[]", ""},
      {"{", ""},
      {"{'model':'a/b'}", ""},
      {R"({"model":"a/b","messages":[{}],})", ""},
      {R"({"model":"a/b","messages":[{}]} x)", ""},
      {R"({"model":"a/b","messages":[NaN]})", ""},
      {R"({"model":"a/b","messages":[{}],/*c*/"n":1})", ""},
      {"\xEF\xBB\xBF{\"model\":\"a/b\",\"messages\":[{}]}", ""},
      {"{\"model\":\"a/b\",\"messages\":[\"\xC3\x28\"]}", ""},
      {R"({"model":"a/b","model":"c/d","messages":[{}]})", "model"},
      {R"({"model":"a/b","mod\u0065l":"c/d","messages":[{}]})", "model"},
      {R"({"messages":[{}]})", "model"},
      {R"({"model":7,"messages":[{}]})", "model"},
      {R"({"model":"gpt","messages":[{}]})", "provider/model"},
      {R"({"model":"/x","messages":[{}]})", "provider/model"},
      {R"({"model":"x/","messages":[{}]})", "provider/model"},
      {R"({"model":"a/b"})", "messages"},
      {R"({"model":"a/b","messages":{}})", "messages"},
      {R"({"model":"a/b","messages":"x"})", "messages"},
      {R"({"model":"a/b","messages":[ ]})", "messages"},
      {R"({"model":"a/b","messages":[{}],"stream":"yes"})", "stream"},
      {R"({"model":"a/b","messages":[{}],"stream":1})", "stream"},
      {R"({"model":"a/b","messages":[{}],"tools":{}})", "tools"},
      {R"({"model":"a/b","messages":[{}],"tools":"x"})", "tools"},
  };
  for (const auto& [text, hint] : bad) {
    std::string body = text;

    const auto chat = ChatBody::parse(body);

    ASSERT_THAT(chat, HasCode(Code::Invalid)) << text;
    EXPECT_NE(chat.error().message().find(hint), std::string::npos)
        << text << ": " << chat.error().message();
    EXPECT_FALSE(chat.error().message().empty());
  }
}

TEST(ChatBody, RefusesTooManyMessagesToolsAndTooLongNames) {
  std::string messages = "[1";
  for (std::size_t i = 0; i < kMessagesMax; ++i) {
    messages += ",1";
  }
  std::string many = R"({"model":"a/b","messages":)" + messages + "]}";
  EXPECT_THAT(ChatBody::parse(many), HasCode(Code::Invalid));

  std::string tools = "[1";
  for (std::size_t i = 0; i < kClientToolsMax; ++i) {
    tools += ",1";
  }
  std::string crowded = chat_body(",\"tools\":" + tools + "]");
  EXPECT_THAT(ChatBody::parse(crowded), HasCode(Code::Invalid));

  std::string name =
      R"({"model":"a/)" + std::string(kModelNameBytesMax, 'x') + R"(","messages":[{}]})";
  EXPECT_THAT(ChatBody::parse(name), HasCode(Code::Invalid));
}

TEST(ChatBody, CountsOnlyElementsOfTheArrayItself) {
  EXPECT_FALSE(has_more_elements_than(R"([[1,2,3],{"a":1,"b":2},"x,y,\",z"])", 3));
  EXPECT_TRUE(has_more_elements_than(R"([1,2,3,4])", 3));
  EXPECT_FALSE(has_more_elements_than("[]", 1));
}

TEST(ChatBody, AddsToolsWhereTheBodyHasNone) {
  std::string body = chat_body();
  const auto chat = ChatBody::parse(body);

  const auto with = chat.value().with_tools(*snapshot_with("read"));

  ASSERT_THAT(with, IsOk());
  EXPECT_EQ(names_in(with.value()), std::vector<std::string>{"files-read"});
  EXPECT_TRUE(with.value().starts_with(body.substr(0, body.size() - 1)))
      << "the client's own bytes stay as they are";
}

TEST(ChatBody, AddsToolsBehindTheClientsOwn) {
  for (const char* own : {
           R"([{"type":"function","function":{"name":"mine"}}])",
           R"([ {"type":"function","function":{"name":"mine"}} ])",
       }) {
    std::string body = chat_body(std::string(",\"tools\":") + own + ",\"n\":1");
    const auto chat = ChatBody::parse(body);
    ASSERT_THAT(chat, IsOk());

    const auto with = chat.value().with_tools(*snapshot_with("read"));

    ASSERT_THAT(with, IsOk());
    EXPECT_EQ(names_in(with.value()), (std::vector<std::string>{"mine", "files-read"}));
  }
}

TEST(ChatBody, AddsToolsInPlaceOfAnEmptyOrNullList) {
  for (const char* own : {"[]", "[ ]", "null"}) {
    std::string body = chat_body(std::string(",\"tools\":") + own + ",\"n\":1");
    const auto chat = ChatBody::parse(body);
    ASSERT_THAT(chat, IsOk());

    const auto with = chat.value().with_tools(*snapshot_with("read"));

    ASSERT_THAT(with, IsOk());
    EXPECT_EQ(names_in(with.value()), std::vector<std::string>{"files-read"});
  }
}

TEST(ChatBody, RefusesAClientToolWithAGatewayToolsName) {
  std::string body =
      chat_body(R"(,"tools":[{"type":"function","function":{"name":"files-read"}}])");
  const auto chat = ChatBody::parse(body);

  const auto with = chat.value().with_tools(*snapshot_with("read"));

  ASSERT_THAT(with, HasCode(Code::Invalid));
  EXPECT_NE(with.error().message().find("files-read"), std::string::npos);
}

TEST(ChatBody, LeavesTheBodyAloneWhenNoToolIsOffered) {
  std::string body = chat_body();
  const auto chat = ChatBody::parse(body);

  EXPECT_EQ(chat.value().with_tools(*CatalogSnapshot::build({}, {})).value(), body);
}

TEST(ChatBody, RefusesABodyTooLargeForTheBusWithItsTools) {
  std::string body = chat_body(",\"x\":\"" + std::string(kSplicedBodyBytesMax - 64, 'x') + "\"");
  const auto chat = ChatBody::parse(body);
  ASSERT_THAT(chat, IsOk());

  EXPECT_THAT(chat.value().with_tools(*snapshot_with("read")), HasCode(Code::Invalid));
}

TEST(ChatBody, GivesProvidersNothingOfItsOwnMember) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"sluice":{"a":1}, "model":"a/b","messages":[1]})", R"({"model":"a/b","messages":[1]})"},
      {R"({"model":"a/b" , "sluice": 1,"messages":[1]})", R"({"model":"a/b" , "messages":[1]})"},
      {R"({"model":"a/b","messages":[1], "sluice":{} })", R"({"model":"a/b","messages":[1] })"},
      {R"({"model":"a/b","messages":[1]})", R"({"model":"a/b","messages":[1]})"},
  };
  for (const auto& [given, seen] : cases) {
    std::string body = given;
    const auto chat = ChatBody::parse(body);
    ASSERT_THAT(chat, IsOk()) << given;

    EXPECT_EQ(chat.value().without_own_member(), seen);
  }
}

TEST(ChatBody, KnowsWhetherOneAnswerIsAskedFor) {
  for (const auto& [more, single] : std::vector<std::pair<std::string, bool>>{
           {"", true}, {R"(,"n":1)", true}, {R"(,"n":null)", true}, {R"(,"n":2)", false}
       }) {
    std::string body = chat_body(more);
    EXPECT_EQ(ChatBody::parse(body).value().single_choice(), single) << more;
  }
}

TEST(ChatBody, FindsTheIdsOfToolMessages) {
  std::string body = R"({"model":"a/b","messages":[{"role":"user","content":"tool_call_id"},
      {"role":"assistant","tool_calls":[{"id":"c1"},{"id":"c2"}]},
      {"role":"tool","tool_call_id":"c1","content":"x"},{"role":"tool","tool_call_id":"c2","content":"y"}]})";
  const auto chat = ChatBody::parse(body);

  EXPECT_EQ(chat.value().tool_call_ids().value(), (std::vector<std::string>{"c1", "c2"}));
}

TEST(ChatBody, RefusesAToolMessageWithoutAGoodId) {
  for (const char* message : {
           R"({"role":"tool","content":"tool_call_id"})",
           R"({"role":"tool","tool_call_id":7})",
           R"({"role":"tool","tool_call_id":""})",
           R"({"role":"tool","tool_call_id":"a","tool_call_id":"b"})",
       }) {
    std::string body = std::string(R"({"model":"a/b","messages":[)") + message + "]}";
    const auto chat = ChatBody::parse(body);
    ASSERT_THAT(chat, IsOk());

    EXPECT_THAT(chat.value().tool_call_ids(), HasCode(Code::Invalid)) << message;
  }
}

}  // namespace
}  // namespace sluice::ingress
