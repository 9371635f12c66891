#include "services/mcp-connector/domain/question.h"

#include "services/mcp-connector/domain/log_level.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(Questions, GoOutUnderTheirKeysWithTheServersBytes) {
  EXPECT_EQ(
      to_json(
          {{.key = "a\"", .method = "roots/list", .params = {}, .id = {}},
           {.key = "b", .method = "elicitation/create", .params = R"({"n":1.0})", .id = {}}}
      ),
      R"({"a\"":{"method":"roots/list"},"b":{"method":"elicitation/create","params":{"n":1.0}}})"
  );
  EXPECT_EQ(to_json(std::vector<Question>()), "{}");
}

TEST(ParseReplies, KeepsTheCallersBytes) {
  const auto replies =
      parse_replies(R"({"a":{"result":{"n": 1.0}},"b":{"error":{"code":-1,"message":"no"}}})");

  ASSERT_THAT(replies, IsOk());
  EXPECT_EQ(replies.value().at("a").result, R"({"n": 1.0})");
  EXPECT_EQ(replies.value().at("b").error, R"({"code":-1,"message":"no"})");
  EXPECT_TRUE(parse_replies("{}").value().empty());
}

TEST(ParseReplies, RefusesWhatIsNoReply) {
  for (const char* other :
       {"",
        "[]",
        "nonsense",
        R"({"a":1})",
        R"({"a":{}})",
        R"({"a":{"result":7}})",
        R"({"a":{"error":"no"}})",
        R"({"a":{"result":{},"error":{"code":1,"message":"both"}}})"}) {
    EXPECT_THAT(parse_replies(other), HasCode(Code::Invalid)) << other;
  }
}

TEST(ParseInputRequest, KeepsQuestionsAndStateAsTheyAre) {
  const auto request = parse_input_request(
      R"({"resultType":"input_required","requestState":"\u0041\/=","inputRequests":{"k":{"method":"roots/list"}}})"
  );

  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request.value().state, R"("\u0041\/=")");
  ASSERT_EQ(request.value().questions.size(), 1U);
  EXPECT_EQ(request.value().questions[0].key, "k");
  EXPECT_EQ(request.value().questions[0].method, "roots/list");
}

TEST(ParseInputRequest, NeedsQuestionsOrState) {
  EXPECT_THAT(parse_input_request(R"({"requestState":"s"})"), IsOk());
  for (const char* other :
       {"{}",
        "[]",
        R"({"requestState":7})",
        R"({"inputRequests":[]})",
        R"({"inputRequests":{}})",
        R"({"inputRequests":{"k":{}}})",
        R"({"inputRequests":{"k":{"method":"roots/list","params":7}}})"}) {
    EXPECT_THAT(parse_input_request(other), HasCode(Code::Invalid)) << other;
  }
}

TEST(InputMembers, HoldOnlyWhatThereIs) {
  EXPECT_EQ(
      input_members({{"a", "{}"}, {"b", R"({"c":1})"}}, R"("s")"),
      R"("inputResponses":{"a":{},"b":{"c":1}},"requestState":"s")"
  );
  EXPECT_EQ(input_members({}, R"("s")"), R"("requestState":"s")");
  EXPECT_EQ(input_members({{"a", "{}"}}, ""), R"("inputResponses":{"a":{}})");
  EXPECT_EQ(input_members({}, ""), "");
}

TEST(IsWantedLevel, ComparesByTheOrderOfTheProtocol) {
  EXPECT_TRUE(is_wanted_level("warning", "warning"));
  EXPECT_TRUE(is_wanted_level("emergency", "debug"));
  EXPECT_FALSE(is_wanted_level("info", "notice"));
  EXPECT_FALSE(is_wanted_level("loud", "debug"));
  EXPECT_FALSE(is_wanted_level("error", ""));
}

}  // namespace
}  // namespace sluice::mcp_connector
