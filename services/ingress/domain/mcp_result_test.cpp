#include "services/ingress/domain/mcp_result.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

json::Value parsed(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_THAT(value, IsOk()) << text;
  return value.ok() ? std::move(value).value() : json::Value();
}

std::string modern(const std::string& result) {
  auto out = modern_result(result, Caching::No);
  EXPECT_THAT(out, IsOk());
  EXPECT_THAT(json::parse(out.ok() ? out.value() : ""), IsOk());
  return std::move(out).value_or("");
}

constexpr std::string_view kInfo = R"({"name":"sluice","title":"Sluice","version":"1"})";

std::string meta_with(const std::string& more) {
  return R"("_meta":{)" + more + R"("io.modelcontextprotocol/serverInfo":)" + std::string(kInfo) +
         "}";
}

TEST(McpResult, TheModernEraAddsWhatIsMissingAndKeepsTheRest) {
  EXPECT_EQ(modern("{}"), R"({"resultType":"complete",)" + meta_with("") + "}");
  EXPECT_EQ(
      modern(R"({"content":[1.50, "\u0041"],"x":{"b":1,"a":2}})"),
      R"({"resultType":"complete",)" + meta_with("") +
          R"(,"content":[1.50, "\u0041"],"x":{"b":1,"a":2}})"
  );
  EXPECT_EQ(
      modern(R"({"resultType":"complete","_meta":{"k":1},"y":2})"),
      R"({"resultType":"complete",)" + meta_with(R"("k":1,)") + R"(,"y":2})"
  );
  EXPECT_EQ(
      modern(R"({"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"other"},"k":1}})"),
      R"({"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":)" +
          std::string(kInfo) + R"(,"k":1}})"
  );
  EXPECT_THAT(modern_result("[1]", Caching::No), HasCode(Code::Unavailable));
}

TEST(McpResult, ToolsWithWrongHeadersAreOnlyForTheLegacyEra) {
  const std::string bad =
      R"({"name":"t","inputSchema":{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}})";
  const auto names =
      [&bad](const std::set<std::string>& wrong, McpEra era, const char* only = "*") {
        connector::v1::CatalogReply servers;
        policy::v1::VisibleReply shown;
        for (const char* tool : {"a", "b", "c"}) {
          add_tool(servers, "s", tool, wrong.contains(tool) ? bad : R"({"name":"t"})");
          show_tool(shown, "s", tool, policy::v1::EFFECT_CLASS_READ);
        }
        http::Headers headers;
        headers.add("x-sluice-include-tools", only);
        const auto snapshot =
            CatalogSnapshot::build(servers, shown)->narrowed(Narrowing::parse(headers).value());
        const json::Value list = parsed(list_result(*snapshot, "tools/list", era));
        std::string out;
        for (const json::Value& tool : *list.find("tools")->as_array()) {
          out += tool.text_or("name", "?").substr(2);
        }
        return out;
      };

  EXPECT_EQ(names({}, McpEra::Modern), "abc");
  EXPECT_EQ(names({"b"}, McpEra::Modern, "s-c"), "c") << "narrowed";
  EXPECT_EQ(names({"a"}, McpEra::Modern), "bc");
  EXPECT_EQ(names({"b"}, McpEra::Modern), "ac");
  EXPECT_EQ(names({"b", "c"}, McpEra::Modern), "a");
  EXPECT_EQ(names({"a", "b", "c"}, McpEra::Modern), "");
  EXPECT_EQ(names({"a", "b", "c"}, McpEra::Legacy), "abc");
}

TEST(McpResult, WhatMayBeCachedSaysForHowLong) {
  EXPECT_EQ(
      modern_result(R"({"contents":[]})", Caching::Yes).value(),
      R"({"resultType":"complete","ttlMs":30000,"cacheScope":"private",)" + meta_with("") +
          R"(,"contents":[]})"
  );
  EXPECT_EQ(
      modern_result(R"({"ttlMs":0,"cacheScope":"public"})", Caching::Yes).value(),
      R"({"resultType":"complete",)" + meta_with("") + R"(,"ttlMs":0,"cacheScope":"public"})"
  );
}

TEST(McpResult, WhatPolicyWithholdsIsToldToTheModel) {
  Withheld denied;
  denied.decision.set_verdict(policy::v1::VERDICT_DENY);
  denied.decision.set_rule("files.tools_to_execute");
  denied.decision.set_reason("it deletes");
  Withheld waits;
  waits.decision.set_verdict(policy::v1::VERDICT_APPROVE);
  waits.decision.set_approval_id("a1");

  const auto denial = std::get<std::string>(rpc_end_of(denied));
  const auto approval = std::get<std::string>(rpc_end_of(waits));

  EXPECT_EQ(
      denial,
      R"({"content":[{"type":"text","text":"Policy does not let you run this tool (rule )"
      R"(files.tools_to_execute): it deletes."}],"isError":true})"
  );
  EXPECT_THAT(approval, HasSubstr("approval of a person"));
  EXPECT_THAT(approval, HasSubstr("Approval: a1."));
  EXPECT_THAT(approval, HasSubstr(R"("isError":true)"));
}

TEST(McpResult, AServersAnswerIsItsOwn) {
  Finished result;
  result.final.set_result(R"({"content":[],"n":1.0})");
  Finished error;
  error.final.set_error(R"({"code":-32000,"message":"no","data":{"k":[1.0]}})");
  Finished garbage;
  garbage.final.set_error("nonsense");

  EXPECT_EQ(std::get<std::string>(rpc_end_of(result)), R"({"content":[],"n":1.0})");
  const auto passed = std::get<mcp::RpcError>(rpc_end_of(error));
  EXPECT_EQ(passed.code, -32000);
  EXPECT_EQ(passed.data, R"({"k":[1.0]})");
  EXPECT_EQ(std::get<mcp::RpcError>(rpc_end_of(garbage)).code, mcp::kInternalError);
  EXPECT_EQ(std::get<mcp::RpcError>(rpc_end_of(UnknownTool{"no t"})).code, mcp::kInvalidParams);
}

TEST(McpResult, DoubtfulEndsAreErrorsTheModelCanRead) {
  for (const ExecutionEnd& end :
       {ExecutionEnd(InProgress{}),
        ExecutionEnd(OutcomeUnknown{}),
        ExecutionEnd(NotCarriedOut{"gone"})}) {
    const json::Value result = parsed(std::get<std::string>(rpc_end_of(end)));
    EXPECT_EQ(result.find("isError")->as_bool(), true);
  }
  EXPECT_EQ(std::get<std::string>(rpc_end_of(Replayed{R"({"content":[]})"})), R"({"content":[]})");
  EXPECT_THAT(std::get<std::string>(rpc_end_of(Replayed{""})), HasSubstr("no longer kept"));
}

TEST(McpResult, ErrorsHaveAStatusOfTheirOwnInTheModernEraOnly) {
  const RpcEnd unknown = mcp::RpcError{.code = mcp::kMethodNotFound, .message = "no", .data = {}};
  EXPECT_EQ(rpc_response(mcp::RpcId("a"), unknown, McpEra::Modern).status, 404);
  EXPECT_EQ(rpc_response(mcp::RpcId("a"), unknown, McpEra::Legacy).status, 200);
  const RpcEnd capability =
      mcp::RpcError{.code = mcp::kMissingClientCapability, .message = "no", .data = {}};
  EXPECT_EQ(rpc_response(mcp::RpcId("a"), capability, McpEra::Modern).status, 400);
  EXPECT_EQ(rpc_response(mcp::RpcId("a"), capability, McpEra::Legacy).status, 200);
  EXPECT_EQ(
      rpc_response(mcp::RpcId("1"), std::string("{}"), McpEra::Modern).body,
      R"({"jsonrpc":"2.0","id":"1","result":{}})"
  );
  EXPECT_EQ(
      rpc_response(mcp::RpcId(1), std::string("{}"), McpEra::Legacy).body,
      R"({"jsonrpc":"2.0","id":1,"result":{}})"
  );
}

TEST(McpResult, ChangesAreToldUnderTheirSubscription) {
  EXPECT_EQ(
      changes_of(std::nullopt, kEveryKind).tools,
      R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"
  );
  EXPECT_EQ(changes_of(std::nullopt, {.tools = true}).prompts, "");
  EXPECT_EQ(
      changes_of(mcp::RpcId("a"), {.tools = true}).tools,
      R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":)"
      R"({"io.modelcontextprotocol/subscriptionId":"a"}}})"
  );
}

TEST(McpResult, ProgressComesUnderTheClientsToken) {
  const auto progress = progress_for(
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":0.50}})",
      json::Value("mine")
  );
  ASSERT_THAT(progress, IsOk());
  EXPECT_EQ(
      progress.value(),
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":0.50}})"
  );
  EXPECT_THAT(progress_for("{}", json::Value(1)), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::ingress
