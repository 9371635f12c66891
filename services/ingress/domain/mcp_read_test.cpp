#include "services/ingress/domain/mcp_read.h"

#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

class McpReadTest : public ::testing::Test {
 protected:
  McpReadTest() {
    connector::v1::CatalogReply catalog;
    auto& server = *catalog.add_servers();
    server.set_server_id("id");
    server.set_name("docs");
    add(*server.add_resources(), "doc://a", R"({"uri":"doc://a"})");
    add(*server.add_resource_templates(), "doc://{id}", R"({"uriTemplate":"doc://{id}"})");
    add(*server.add_prompts(), "ask", R"({"name":"ask"})");
    offerings = Offerings::build(catalog, {"id"});
  }

  static void add(
      connector::v1::Offering& offering, const std::string& key, const std::string& definition
  ) {
    offering.set_key(key);
    offering.set_definition(definition);
  }

  Result<ReadRequest> read(std::string_view method, const std::string& params) const {
    return read_request_of(offerings, method, json::parse(params).value());
  }

  // The params the server gets.
  [[nodiscard]] std::string sent(std::string_view method, const std::string& params) const {
    const auto request = read(method, params);
    EXPECT_THAT(request, IsOk());
    if (!request.ok()) {
      return "";
    }
    EXPECT_EQ(request.value().target.method, method);
    EXPECT_EQ(request.value().target.server_id, "id");
    EXPECT_EQ(request.value().target.tool, "");
    return json::canonical(request.value().params);
  }

  Offerings offerings;
};

TEST_F(McpReadTest, AServerIsAskedUnderItsOwnNames) {
  EXPECT_EQ(
      sent(mcp::kResourcesRead, R"({"uri":"doc://a","_meta":{"progressToken":1}})"),
      R"({"uri":"doc://a"})"
  );
  EXPECT_EQ(sent(mcp::kResourcesRead, R"({"uri":"doc://7"})"), R"({"uri":"doc://7"})");
  EXPECT_EQ(
      sent(mcp::kPromptsGet, R"({"name":"docs-ask","arguments":{"x":"1"}})"),
      R"({"arguments":{"x":"1"},"name":"ask"})"
  );
  EXPECT_EQ(
      sent(
          mcp::kCompletionComplete,
          R"({"ref":{"type":"ref/prompt","name":"docs-ask"},"argument":{"name":"x","value":""}})"
      ),
      R"({"argument":{"name":"x","value":""},"ref":{"name":"ask","type":"ref/prompt"}})"
  );
  EXPECT_EQ(
      sent(mcp::kCompletionComplete, R"({"ref":{"type":"ref/resource","uri":"doc://{id}"}})"),
      R"({"ref":{"type":"ref/resource","uri":"doc://{id}"}})"
  );
}

TEST_F(McpReadTest, WhatNobodyOffersIsNotFound) {
  EXPECT_THAT(read(mcp::kResourcesRead, R"({"uri":"other://a"})"), HasCode(Code::NotFound));
  EXPECT_THAT(read(mcp::kPromptsGet, R"({"name":"ask"})"), HasCode(Code::NotFound));
  EXPECT_THAT(
      read(mcp::kCompletionComplete, R"({"ref":{"type":"ref/resource","uri":"other://{id}"}})"),
      HasCode(Code::NotFound)
  );
  for (const auto& [method, params] : std::vector<std::pair<std::string_view, std::string>>{
           {mcp::kResourcesRead, "{}"},
           {mcp::kPromptsGet, R"({"name":7})"},
           {mcp::kCompletionComplete, "{}"},
           {mcp::kCompletionComplete, R"({"ref":"docs-ask"})"},
           {mcp::kCompletionComplete, R"({"ref":{"type":"ref/prompt"}})"},
       }) {
    EXPECT_THAT(read(method, params), HasCode(Code::Invalid)) << method << params;
  }
}

TEST_F(McpReadTest, EachEraHasItsNumberForAMissingResource) {
  const Error missing(Code::NotFound, "no");
  const ReadTerms legacy{
      .method = mcp::kResourcesRead, .uri = "file:///a\"b", .era = McpEra::Legacy
  };
  const ReadTerms modern{.method = mcp::kResourcesRead, .uri = "", .era = McpEra::Modern};
  const ReadTerms prompt{.method = mcp::kPromptsGet, .uri = "", .era = McpEra::Legacy};
  EXPECT_EQ(read_error_of(missing, legacy).code, mcp::kLegacyResourceNotFound);
  EXPECT_EQ(read_error_of(missing, legacy).data, R"({"uri":"file:///a\"b"})");
  EXPECT_EQ(read_error_of(missing, modern).code, mcp::kInvalidParams);
  EXPECT_EQ(read_error_of(missing, modern).data, "");
  EXPECT_EQ(read_error_of(missing, prompt).code, mcp::kInvalidParams);
  EXPECT_EQ(read_error_of(Error(Code::Unavailable, "no"), legacy).data, "");
}

TEST_F(McpReadTest, AMissingResourceOfAServerIsNumberedAndNamedToo) {
  Finished end;
  const auto error = [&end](McpEra era) {
    return std::get<mcp::RpcError>(
        read_end_of(end, {.method = mcp::kResourcesRead, .uri = "file:///a", .era = era})
    );
  };
  end.final.set_error(R"({"code":-32002,"message":"no"})");
  EXPECT_EQ(error(McpEra::Legacy).code, mcp::kLegacyResourceNotFound);
  EXPECT_EQ(error(McpEra::Legacy).data, R"({"uri":"file:///a"})");
  EXPECT_EQ(error(McpEra::Modern).code, mcp::kInvalidParams);
  EXPECT_EQ(error(McpEra::Modern).data, R"({"uri":"file:///a"})");
  end.final.set_error(R"({"code":-32002,"message":"no","data":{"uri":"its own"}})");
  EXPECT_EQ(error(McpEra::Modern).data, R"({"uri":"its own"})");
  end.final.set_error(R"({"code":-32603,"message":"no"})");
  EXPECT_EQ(error(McpEra::Modern).data, "");
}

TEST_F(McpReadTest, WhatIsNoAnswerIsAnError) {
  Withheld denied;
  denied.decision.set_reason("not yours");
  const auto error = [](const ExecutionEnd& end) {
    return std::get<mcp::RpcError>(
        read_end_of(end, {.method = mcp::kPromptsGet, .uri = "", .era = McpEra::Legacy})
    );
  };
  EXPECT_EQ(error(denied).code, mcp::json_rpc_code(Code::Denied));
  EXPECT_EQ(error(denied).message, "not yours");
  EXPECT_EQ(error(OutcomeUnknown{}).code, mcp::json_rpc_code(Code::Unavailable));
  EXPECT_THAT(error(NotCarriedOut{"it is down"}).message, HasSubstr("it is down"));
}

}  // namespace
}  // namespace sluice::ingress
