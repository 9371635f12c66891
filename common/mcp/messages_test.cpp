#include "common/mcp/messages.h"

#include "common/json/parse.h"
#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp {
namespace {

using testing::HasCode;
using testing::IsOk;

Message server_request(std::string method) {
  Message message;
  message.kind = Message::Kind::Request;
  message.id = RpcId("s1");
  message.method = std::move(method);
  return message;
}

TEST(ParseInitializeResult, KeepsTheInstructions) {
  const auto result =
      parse_initialize_result(R"({"protocolVersion":"2025-11-25","instructions":"ask first"})");

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result.value().instructions, "ask first");
}

TEST(InitializeParams, OfferAVersionAndTheCapabilitiesGiven) {
  EXPECT_EQ(
      initialize_params({.name = "sluice", .version = "1"}, "2025-11-25", R"({"roots":{}})"),
      R"({"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"sluice","version":"1"}})"
  );

  EXPECT_EQ(
      initialize_params({.name = "sluice", .version = "1"}, "2025-11-25"),
      R"({"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"sluice","version":"1"}})"
  );
}

TEST(ParseInitializeResult, AcceptsEveryLegacyVersion) {
  for (const auto version : kLegacyVersions) {
    const auto result = parse_initialize_result(
        R"({"protocolVersion":")" + std::string(version) +
        R"(","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"2"}})"
    );

    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result.value().protocol_version, version);
    EXPECT_TRUE(result.value().capabilities.has_tools);
    EXPECT_TRUE(result.value().capabilities.tools_change);
    EXPECT_EQ(result.value().server.name, "s");
  }
}

TEST(ParseInitializeResult, RefusesAVersionNobodySpeaks) {
  EXPECT_THAT(
      parse_initialize_result(R"({"protocolVersion":"1999-01-01"})"), HasCode(Code::Invalid)
  );
  EXPECT_THAT(parse_initialize_result(R"({})"), HasCode(Code::Invalid));
  EXPECT_THAT(parse_initialize_result("nonsense"), HasCode(Code::Invalid));
}

TEST(ParseInitializeResult, ToleratesWholeToolsInsideCapabilities) {
  const auto result = parse_initialize_result(
      R"({"protocolVersion":"2024-11-05","capabilities":{"tools":{"query":{"name":"query"}}}})"
  );

  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result.value().capabilities.has_tools);
  EXPECT_FALSE(result.value().capabilities.tools_change);
}

TEST(CapabilitiesIn, ReadsEachOneAndTakesNullForNone) {
  const auto capabilities = [](const char* name, const char* value) {
    return capabilities_in(
        json::object({{"capabilities", json::object({{name, json::parse(value).value()}})}})
    );
  };

  EXPECT_EQ(capabilities("resources", "{}"), ServerCapabilities{.has_resources = true});
  EXPECT_EQ(capabilities("prompts", "{}"), ServerCapabilities{.has_prompts = true});
  EXPECT_EQ(capabilities("completions", "{}"), ServerCapabilities{.has_completions = true});
  EXPECT_EQ(capabilities("prompts", "null"), ServerCapabilities());
  EXPECT_EQ(
      capabilities("resources", R"({"subscribe":true,"listChanged":true})"),
      (ServerCapabilities{
          .has_resources = true, .has_subscriptions = true, .resources_change = true
      })
  );
  EXPECT_EQ(capabilities("logging", "{}"), ServerCapabilities{.has_logging = true});
  EXPECT_EQ(capabilities_in(json::object({})), ServerCapabilities());
}

TEST(ParseListPage, KeepsItemsWholeAndTheCursor) {
  const auto page = parse_list_page(
      kToolsList, R"({"tools":[{"name":"a","x-own":{"k":[1.0]}},{"name":"b"}],"nextCursor":"p2"})"
  );

  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page.value().items.size(), 2U);
  EXPECT_NE(page.value().items[0].find("x-own"), nullptr);
  EXPECT_EQ(page.value().next_cursor, "p2");
  EXPECT_EQ(list_params(page.value().next_cursor), R"({"cursor":"p2"})");
  EXPECT_EQ(list_params(std::nullopt), "{}");
}

TEST(ParseListPage, ReadsTheArrayOfItsOwnListOnly) {
  const std::string page = R"({"resourceTemplates":[{"uriTemplate":"a://{b}"}],"tools":{}})";

  EXPECT_EQ(parse_list_page(kTemplatesList, page).value().items.size(), 1U);
  EXPECT_THAT(parse_list_page(kResourcesList, page), HasCode(Code::Invalid));
  EXPECT_THAT(parse_list_page(kToolsList, page), HasCode(Code::Invalid));
  EXPECT_THAT(parse_list_page(kPromptsList, "nonsense"), HasCode(Code::Invalid));
}

TEST(ToolsCallParams, CarriesExactlyTheArgumentBytes) {
  EXPECT_EQ(
      tools_call_params("read_file", R"({"path":"/a","n":1.0})"),
      R"({"name":"read_file","arguments":{"path":"/a","n":1.0}})"
  );
  EXPECT_EQ(tools_call_params("t", ""), R"({"name":"t","arguments":{}})");
}

TEST(WithMeta, PutsTheMembersBeforeAllOthers) {
  const std::string meta = progress_meta(9);

  EXPECT_EQ(with_meta(R"({"cursor":"2"})", meta), R"({"_meta":{"progressToken":9},"cursor":"2"})");
  EXPECT_EQ(with_meta("{}", meta), R"({"_meta":{"progressToken":9}})");
  EXPECT_EQ(with_meta("", meta), R"({"_meta":{"progressToken":9}})");
  EXPECT_EQ(with_meta("{}", ""), "{}");
  EXPECT_EQ(with_meta("", ""), "");
}

TEST(WithMembers, PutsTheMembersBehindAllOthers) {
  EXPECT_EQ(with_members(R"({"uri":"a"})", R"("b":1)"), R"({"uri":"a","b":1})");
  EXPECT_EQ(with_members("{}", R"("b":1)"), R"({"b":1})");
  EXPECT_EQ(with_members("", R"("b":1)"), R"({"b":1})");
  EXPECT_EQ(with_members(R"({"uri":"a"})", ""), R"({"uri":"a"})");
  EXPECT_EQ(with_members("", ""), "");
}

TEST(SaysIsError, ReadsTheFlag) {
  std::string plain = R"({"content":[]})";
  std::string failed = R"({"content":[],"isError":true})";
  std::string wrong = "[]";

  EXPECT_FALSE(says_is_error(plain).value());
  EXPECT_TRUE(says_is_error(failed).value());
  EXPECT_THAT(says_is_error(wrong), HasCode(Code::Invalid));
}

TEST(ProgressTokenOf, ReadsOnlyIntegers) {
  EXPECT_EQ(progress_token_of(R"({"progressToken":4,"progress":1})"), 4);
  EXPECT_EQ(progress_token_of(R"({"progressToken":"4"})"), std::nullopt);
  EXPECT_EQ(progress_token_of(""), std::nullopt);
}

TEST(TextIn, ReadsOnlyText) {
  EXPECT_EQ(text_in(R"({"level":"in\u0066o"})", "level"), "info");
  EXPECT_EQ(text_in(R"({"level":7})", "level"), "");
  EXPECT_EQ(text_in("", "level"), "");
}

TEST(AnswerServerRequest, IsNeverSilent) {
  EXPECT_EQ(
      answer_server_request(server_request("ping")), R"({"jsonrpc":"2.0","id":"s1","result":{}})"
  );
  EXPECT_EQ(
      answer_server_request(server_request("roots/list")),
      R"({"jsonrpc":"2.0","id":"s1","result":{"roots":[]}})"
  );
  EXPECT_EQ(
      answer_server_request(server_request("roots/list"), R"({"roots":[{"uri":"file:///a"}]})"),
      R"({"jsonrpc":"2.0","id":"s1","result":{"roots":[{"uri":"file:///a"}]}})"
  );
  for (const auto* method : {"sampling/createMessage", "elicitation/create", "made/up"}) {
    EXPECT_NE(answer_server_request(server_request(method)).find("-32601"), std::string::npos);
  }
}

TEST(CancelledParams, NamesTheRequest) {
  EXPECT_EQ(cancelled_params(RpcId(5), "too slow"), R"({"requestId":5,"reason":"too slow"})");
}

TEST(ServerId, DependsOnScopeAndName) {
  const ServerId id = server_id("filesystem");

  EXPECT_EQ(id.str().size(), 16U);
  EXPECT_EQ(id, server_id("filesystem"));
  EXPECT_NE(id, server_id("filesystem2"));
  EXPECT_NE(id, server_id("filesystem", "t1"));
  EXPECT_NE(server_id("b", "a"), server_id("", "ab"));
}

TEST(IsServerName, FollowsThePattern) {
  EXPECT_TRUE(is_server_name("a"));
  EXPECT_TRUE(is_server_name("_x9"));
  EXPECT_TRUE(is_server_name(std::string(32, 'a')));
  EXPECT_FALSE(is_server_name(std::string(33, 'a')));
  EXPECT_FALSE(is_server_name(""));
  EXPECT_FALSE(is_server_name("9a"));
  EXPECT_FALSE(is_server_name("a-b"));
  EXPECT_FALSE(is_server_name("a b"));
}

}  // namespace
}  // namespace sluice::mcp
