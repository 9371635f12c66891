#include "services/ingress/domain/tool_call.h"

#include "services/ingress/limits.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(CallFormat, IsChatUnlessAskedOtherwise) {
  EXPECT_EQ(call_format_of("").value(), CallFormat::Chat);
  EXPECT_EQ(call_format_of("format=chat").value(), CallFormat::Chat);
  EXPECT_EQ(call_format_of("a=b&format=responses").value(), CallFormat::Responses);
  EXPECT_THAT(call_format_of("format=xml"), HasCode(Code::Invalid));
}

TEST(ToolCall, CanonicalisesItsArguments) {
  const auto call = ToolCall::parse(
      R"({"id":"c1","type":"function","function":{"name":"files-read","arguments":"{ \"b\":1.0, \"a\" : 12345678901234567890 }"}})",
      CallFormat::Chat
  );

  ASSERT_THAT(call, IsOk());
  EXPECT_EQ(call.value().id, "c1");
  EXPECT_TRUE(call.value().id_given);
  EXPECT_EQ(call.value().name, "files-read");
  EXPECT_EQ(call.value().arguments, R"({"a":12345678901234567890,"b":1})");
}

TEST(ToolCall, NeedsNothingButAName) {
  for (const char* body : {
           R"({"function":{"name":"t"}})",
           R"({"function":{"name":"t","arguments":""}})",
           R"({"id":null,"type":null,"function":{"name":"t","arguments":null}})",
       }) {
    const auto call = ToolCall::parse(body, CallFormat::Chat);

    ASSERT_THAT(call, IsOk()) << body;
    EXPECT_EQ(call.value().arguments, "{}");
    EXPECT_FALSE(call.value().id_given);
    EXPECT_TRUE(call.value().id.starts_with("call_"));
  }
}

TEST(ToolCall, ReadsTheResponsesForm) {
  const auto call = ToolCall::parse(
      R"({"call_id":"c1","name":"t","arguments":"{\"a\":1}"})", CallFormat::Responses
  );

  ASSERT_THAT(call, IsOk());
  EXPECT_EQ(call.value().id, "c1");
  EXPECT_EQ(call.value().arguments, R"({"a":1})");
}

struct BadCall {
  std::string body;
  std::string hint;
};

TEST(ToolCall, RefusesBadCallsAndSaysWhatToDo) {
  const std::vector<BadCall> bad{
      {"", ""},
      {"[]", "object"},
      {"{", ""},
      {R"({"function":{"name":"t"},"function":{"name":"u"}})", "function"},
      {R"({"function":{"name":"t","name":"u"}})", "name"},
      {R"({"name":"t"})", "function"},
      {R"({"function":"t"})", "function"},
      {R"({"type":"tool","function":{"name":"t"}})", "type"},
      {R"({"type":7,"function":{"name":"t"}})", "type"},
      {R"({"function":{}})", "function.name"},
      {R"({"function":{"name":""}})", "function.name"},
      {R"({"function":{"name":7}})", "function.name"},
      {R"({"id":7,"function":{"name":"t"}})", "id"},
      {R"({"id":"a\nb","function":{"name":"t"}})", "id"},
      {R"({"id":")" + std::string(kToolCallIdBytesMax + 1, 'x') + R"(","function":{"name":"t"}})",
       "id"},
      {R"({"function":{"name":"t","arguments":{"a":1}}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"[1]"}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"{\"a\":1"}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"{\"a\":1,\"a\":2}"}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"{\"a\":1,\"\\u0061\":2}"}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"{\"a\":\"\\ud800\"}"}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"{\"a\":NaN}"}})", "function.arguments"},
      {R"({"function":{"name":"t","arguments":"{} {}"}})", "function.arguments"},
  };
  for (const auto& [body, hint] : bad) {
    const auto call = ToolCall::parse(body, CallFormat::Chat);

    ASSERT_THAT(call, HasCode(Code::Invalid)) << body;
    EXPECT_NE(call.error().message().find(hint), std::string::npos)
        << body << ": " << call.error().message();
  }
}

TEST(ToolCall, RefusesArgumentsNestedTooDeep) {
  std::string deep = R"({\"a\":)";
  for (int i = 0; i < 100'000; ++i) {
    deep += "[";
  }
  EXPECT_THAT(
      ToolCall::parse(R"({"function":{"name":"t","arguments":")" + deep + "\"}}", CallFormat::Chat),
      HasCode(Code::Invalid)
  );
}

class DecisionId : public ::testing::Test {
 protected:
  [[nodiscard]] std::string id() const { return decision_id_of(owner, chain, call, tool); }

  Owner owner{"default", "key:user"};
  ChainId chain{std::string(32, 'a')};
  ToolCall call{.id = "c1", .id_given = true, .name = "files-write", .arguments = "{}"};
  ToolEntry tool{
      .name = "files-write",
      .server_id = "01",
      .server = "files",
      .tool = "write",
      .definition_hash = "h",
      .effect_class = policy::v1::EFFECT_CLASS_WRITE
  };
};

TEST_F(DecisionId, FollowsFromTheCallForWritesDeletesAndTheUnknown) {
  for (const auto effect :
       {policy::v1::EFFECT_CLASS_WRITE,
        policy::v1::EFFECT_CLASS_DELETE,
        policy::v1::EFFECT_CLASS_UNSPECIFIED}) {
    tool.effect_class = effect;
    EXPECT_EQ(id(), id());
    EXPECT_EQ(id().size(), 16U);
  }
}

TEST_F(DecisionId, IsAnotherEachTimeForReads) {
  tool.effect_class = policy::v1::EFFECT_CLASS_READ;

  EXPECT_NE(id(), id());
  EXPECT_EQ(id().size(), 16U);
}

TEST_F(DecisionId, DiffersWithEveryPartOfTheCall) {
  const std::string before = id();
  call.id = "c2";
  EXPECT_NE(id(), before);
  call.id = "c1";
  call.arguments = R"({"a":1})";
  EXPECT_NE(id(), before);
  call.arguments = "{}";
  owner.principal = "key:other";
  EXPECT_NE(id(), before);
  owner.principal = "key:user";
  chain = ChainId(std::string(32, 'b'));
  EXPECT_NE(id(), before);
  chain = ChainId(std::string(32, 'a'));
  tool.server_id = "02";
  EXPECT_NE(id(), before);
}

}  // namespace
}  // namespace sluice::ingress
