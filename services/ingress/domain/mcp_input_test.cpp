#include "services/ingress/domain/mcp_input.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

json::Value parsed(const std::string& text) {
  return json::parse(text).value_or(json::Value());
}

InputNeeded needed(const std::string& requests) {
  return {
      .server_id = "f5",
      .server = "s",
      .method = "tools/call",
      .request_id = "abc_-9",
      .requests = requests
  };
}

TEST(McpInput, AResultAsksAndNamesTheRequestThatWaits) {
  EXPECT_EQ(
      input_required_result(needed(R"({"k":{"method":"roots/list"}})")).value(),
      R"({"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}},)"
      R"("requestState":"sluice1.f5.abc_-9"})"
  );
  for (const char* none : {"", "{}"}) {
    EXPECT_EQ(
        input_required_result(needed(none)).value(),
        R"({"resultType":"input_required","requestState":"sluice1.f5.abc_-9"})"
    );
  }
  EXPECT_THAT(input_required_result(needed("[]")), HasCode(Code::Invalid));
}

TEST(McpInput, OnlyOurOwnStatesAreRead) {
  const auto state = parse_request_state("sluice1.f5.abc_-9");
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state.value().server_id, "f5");
  EXPECT_EQ(state.value().request_id, "abc_-9");
  const std::string long_id(kMcpRequestIdBytesMax + 1, 'a');
  for (const std::string& other :
       {std::string(),
        std::string("sluice1."),
        std::string("sluice1.f5"),
        std::string("sluice1.f5."),
        std::string("sluice1..a"),
        std::string("sluice2.f5.a"),
        std::string("sluice1.f5.a.b"),
        std::string("sluice1.f5.a b"),
        std::string("sluice1.f*.a"),
        std::string("sluice1.f5.>"),
        "sluice1.f5." + long_id}) {
    EXPECT_THAT(parse_request_state(other), HasCode(Code::Invalid)) << other;
  }
}

TEST(McpInput, ARetryIsTheSameRequestWithAnswers) {
  json::Value params = parsed(
      R"({"name":"t","inputResponses":{"k":{"action":"accept"}},"requestState":"sluice1.f5.a"})"
  );
  const auto retry = take_retry(&params);
  ASSERT_THAT(retry, IsOk());
  const InputRetry found = retry.value().value_or(InputRetry());
  EXPECT_EQ(found.state.request_id, "a");
  EXPECT_EQ(found.responses, R"({"k":{"result":{"action":"accept"}}})");
  EXPECT_EQ(json::write(params), R"({"name":"t"})");

  json::Value without = parsed(R"({"name":"t","requestState":"sluice1.f5.a"})");
  const auto again = take_retry(&without);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again.value().value_or(InputRetry()).responses, "{}");
}

TEST(McpInput, AnswersAloneAreAFreshRequestAndForeignStatesNone) {
  json::Value fresh = parsed(R"({"name":"t","inputResponses":{"k":{}}})");
  const auto retry = take_retry(&fresh);
  ASSERT_THAT(retry, IsOk());
  EXPECT_FALSE(retry.value().has_value());
  EXPECT_EQ(json::write(fresh), R"({"name":"t"})");
  for (const char* wrong :
       {R"({"requestState":1})",
        R"({"requestState":"x"})",
        R"({"requestState":"sluice1.f5.a","inputResponses":[]})"}) {
    json::Value params = parsed(wrong);
    EXPECT_THAT(take_retry(&params), HasCode(Code::Invalid)) << wrong;
  }
}

TEST(McpInput, QuestionsKeepTheServersBytes) {
  const auto questions = questions_in(
      R"({"a":{"method":"elicitation/create","params":{"b": 1.0}},"c":{"method":"roots/list"}})"
  );
  ASSERT_THAT(questions, IsOk());
  ASSERT_EQ(questions.value().size(), 2U);
  EXPECT_EQ(questions.value()[0].key, "a");
  EXPECT_EQ(questions.value()[0].params, R"({"b": 1.0})");
  EXPECT_EQ(questions.value()[1].method, "roots/list");
  EXPECT_EQ(questions.value()[1].params, "");
  EXPECT_TRUE(questions_in("").value().empty());
  for (const char* wrong : {"[]", R"({"a":1})", R"({"a":{}})"}) {
    EXPECT_THAT(questions_in(wrong), HasCode(Code::Invalid)) << wrong;
  }
  std::string many;
  for (std::size_t i = 0; i <= kMcpQuestionsMax; ++i) {
    many.append(many.empty() ? "{\"" : ",\"")
        .append(std::to_string(i))
        .append(R"(":{"method":"x"})");
  }
  EXPECT_THAT(questions_in(many + "}"), HasCode(Code::Invalid));
}

TEST(McpInput, AClientIsAskedOnlyWhatItDeclared) {
  const auto asked = [](const std::string& capabilities,
                        const std::string& method,
                        const std::string& params = "{}") {
    return may_be_asked(capabilities, {.key = "k", .method = method, .params = params});
  };
  EXPECT_TRUE(asked(R"({"sampling":{}})", "sampling/createMessage"));
  EXPECT_TRUE(asked(R"({"roots":{}})", "roots/list", ""));
  EXPECT_TRUE(asked(R"({"elicitation":{}})", "elicitation/create"));
  EXPECT_TRUE(asked(R"({"elicitation":{"form":{},"url":{}}})", "elicitation/create"));
  EXPECT_TRUE(asked(R"({"elicitation":{"url":{}}})", "elicitation/create", R"({"mode":"url"})"));
  EXPECT_FALSE(asked(R"({"elicitation":{"url":{}}})", "elicitation/create"));
  EXPECT_FALSE(asked(R"({"elicitation":{}})", "elicitation/create", R"({"mode":"url"})"));
  EXPECT_FALSE(asked(R"({"elicitation":{}})", "sampling/createMessage"));
  EXPECT_FALSE(asked(R"({"sampling":{},"roots":{}})", "tools/list"));
  EXPECT_FALSE(asked("", "roots/list"));
  EXPECT_EQ(
      not_declared({.key = "k", .method = "roots/list", .params = {}}),
      R"({"error":{"code":-32601,"message":"the client did not declare that it answers roots/list"}})"
  );
}

}  // namespace
}  // namespace sluice::ingress
