#include "services/ingress/domain/mcp_request.h"

#include "common/json/parse.h"
#include "common/mcp/protocol.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

http::Headers headers_of(std::vector<std::pair<std::string, std::string>> fields) {
  http::Headers headers;
  headers.fields() = std::move(fields);
  return headers;
}

mcp::Message message_of(const std::string& method, const std::string& params) {
  return {
      .kind = mcp::Message::Kind::Request,
      .id = mcp::RpcId(1),
      .method = method,
      .params = params,
      .result = {},
      .error = {}
  };
}

const std::string kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";

http::Headers modern_headers(const std::string& method, const std::string& name) {
  return headers_of(
      {{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", method}, {"Mcp-Name", name}}
  );
}

int code_of(const std::optional<McpRefusal>& refusal) {
  return refusal ? refusal->error.code : 0;
}

TEST(McpRequest, OnlyPagesOfThisMachineAndNamedOnesMayUseIt) {
  const std::vector<std::string> allowed{"https://app.example"};
  const auto may = [&allowed](const std::string& origin) {
    return is_allowed_origin(headers_of({{"Origin", origin}}), allowed);
  };
  EXPECT_TRUE(is_allowed_origin(headers_of({}), allowed));
  for (const char* origin :
       {"http://localhost",
        "http://localhost:3000",
        "https://127.0.0.1:1",
        "http://[::1]:8080",
        "https://app.example"}) {
    EXPECT_TRUE(may(origin)) << origin;
  }
  for (const char* origin :
       {"http://app.example",
        "https://app.example:8443",
        "https://evil.example",
        "null",
        "",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "file://localhost",
        "http://[::1].evil.example",
        "http://evil.example#localhost",
        "localhost"}) {
    EXPECT_FALSE(may(origin)) << origin;
  }
  EXPECT_FALSE(is_allowed_origin(
      headers_of({{"Origin", "http://localhost"}, {"Origin", "https://evil.example"}}), allowed
  ));
}

TEST(McpRequest, TheClientMustTakeJsonAndEvents) {
  EXPECT_FALSE(
      refuse_accept(headers_of({{"Accept", "application/json, text/event-stream"}})).has_value()
  );
  EXPECT_FALSE(refuse_accept(headers_of({{"Accept", "*/*"}})).has_value());
  for (const char* accept : {"application/json", "text/event-stream", "text/html"}) {
    const auto refusal = refuse_accept(headers_of({{"Accept", accept}}));
    ASSERT_TRUE(refusal.has_value()) << accept;
    EXPECT_EQ(refusal->status, 406);
  }
  EXPECT_TRUE(refuse_accept(headers_of({})).has_value());
}

TEST(McpRequest, HeaderOrMetaSayTheEra) {
  const std::vector<mcp::Message> plain{message_of("tools/list", "")};
  EXPECT_EQ(era_of(headers_of({}), plain), McpEra::Legacy);
  EXPECT_EQ(era_of(headers_of({{"mcp-protocol-version", "2025-11-25"}}), plain), McpEra::Legacy);
  EXPECT_EQ(era_of(headers_of({{"mcp-protocol-version", "2026-07-28"}}), plain), McpEra::Modern);
  EXPECT_EQ(era_of(headers_of({}), {message_of("tools/list", "{" + kMeta + "}")}), McpEra::Modern);
}

TEST(McpRequest, AModernRequestSaysEverythingTwiceAndTheSame) {
  const auto list = message_of("tools/list", "{" + kMeta + "}");
  const auto call = message_of("tools/call", R"({"name":"Zürich",)" + kMeta + "}");
  EXPECT_FALSE(refuse_modern(modern_headers("tools/list", ""), list).has_value());
  EXPECT_FALSE(
      refuse_modern(modern_headers(" tools/call ", "=?base64?WsO8cmljaA==?="), call).has_value()
  );

  EXPECT_EQ(code_of(refuse_modern(modern_headers("Tools/List", ""), list)), mcp::kHeaderMismatch);
  EXPECT_EQ(code_of(refuse_modern(modern_headers("tools/call", "b"), call)), mcp::kHeaderMismatch);
  EXPECT_EQ(
      code_of(refuse_modern(modern_headers("tools/call", "=?base64?!?="), call)),
      mcp::kHeaderMismatch
  );
  auto without_name = modern_headers("tools/call", "");
  without_name.remove("mcp-name");
  EXPECT_EQ(code_of(refuse_modern(without_name, call)), mcp::kHeaderMismatch);
  EXPECT_EQ(
      code_of(refuse_modern(headers_of({{"Mcp-Method", "tools/list"}}), list)), mcp::kHeaderMismatch
  );
}

TEST(McpRequest, AModernRequestHasVersionAndCapabilities) {
  const auto headers = modern_headers("tools/list", "");
  for (const char* params :
       {"",
        "{}",
        R"({"_meta":{}})",
        R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}})",
        R"({"_meta":{"io.modelcontextprotocol/protocolVersion":7,"io.modelcontextprotocol/clientCapabilities":{}}})",
        R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}})",
        "[1]"}) {
    const auto refusal = refuse_modern(headers, message_of("tools/list", params));
    EXPECT_EQ(code_of(refusal), mcp::kInvalidParams) << params;
  }
}

TEST(McpRequest, AnUnknownVersionIsToldWhichAreSpoken) {
  const std::string params =
      R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01","io.modelcontextprotocol/clientCapabilities":{}}})";
  const auto headers =
      headers_of({{"mcp-protocol-version", "2031-01-01"}, {"mcp-method", "tools/list"}});

  const auto refusal = refuse_modern(headers, message_of("tools/list", params));

  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->error.code, mcp::kUnsupportedProtocolVersion);
  EXPECT_EQ(refusal->error.data, R"({"supported":["2026-07-28"],"requested":"2031-01-01"})");
  EXPECT_FALSE(refuse_legacy(headers_of({{"mcp-protocol-version", "2025-03-26"}})).has_value());
  EXPECT_FALSE(refuse_legacy(headers_of({})).has_value());
  EXPECT_TRUE(refuse_legacy(headers).has_value());
}

TEST(McpRequest, ArgumentsRepeatAsHeadersWhereTheToolSaysSo) {
  const std::string tool =
      R"({"name":"t","inputSchema":{"type":"object","properties":{"region":{"type":"string",)"
      R"("x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},"other":{}}}})";
  const auto refused = [&tool](
                           std::vector<std::pair<std::string, std::string>> fields,
                           const std::string& arguments
                       ) {
    const auto error = refuse_param_headers(headers_of(std::move(fields)), tool, arguments);
    EXPECT_TRUE(!error || error->code == mcp::kHeaderMismatch);
    return error.has_value();
  };

  EXPECT_FALSE(refused({}, R"({"other":1})"));
  EXPECT_FALSE(refused({{"Mcp-Param-Region", "eu"}}, R"({"region":"eu"})"));
  EXPECT_FALSE(refused({{"mcp-param-region", " =?base64?ZXU=?= "}}, R"({"region":"eu"})"));
  EXPECT_FALSE(refused({{"Mcp-Param-N", "7.0"}}, R"({"n":7,"region":null})"));
  EXPECT_TRUE(refused({}, R"({"region":"eu"})"));
  EXPECT_TRUE(refused({{"Mcp-Param-Region", "us"}}, R"({"region":"eu"})"));
  EXPECT_TRUE(refused({{"Mcp-Param-Region", "=?base64?ZX!U=?="}}, R"({"region":"eu"})"));
  EXPECT_TRUE(refused({{"Mcp-Param-Region", "us"}}, "{}"));
  EXPECT_TRUE(refused({{"Mcp-Param-N", "8"}}, R"({"n":7})"));
  EXPECT_FALSE(refuse_param_headers(headers_of({}), R"({"name":"t"})", "{}").has_value());
  EXPECT_TRUE(declares_headers_well(tool));
  EXPECT_TRUE(declares_headers_well(R"({"name":"t","description":"x-mcp-header"})"));
  EXPECT_FALSE(declares_headers_well(
      R"({"name":"t","inputSchema":{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}})"
  ));
}

TEST(McpRequest, ProgressTokensAreTextOrIntegers) {
  const auto token = [](const std::string& text) {
    const auto params = json::parse(R"({"_meta":{"progressToken":)" + text + "}}");
    EXPECT_THAT(params, IsOk());
    return progress_token_of(params.value());
  };
  EXPECT_EQ(token("7"), json::Value(7));
  EXPECT_EQ(token(R"("7")"), json::Value("7"));
  EXPECT_FALSE(token("1.5").has_value());
  EXPECT_FALSE(token("null").has_value());
  EXPECT_FALSE(progress_token_of(json::Value(json::Object())).has_value());
  EXPECT_THAT(params_of(message_of("m", "[]")), HasCode(Code::Invalid));
}

TEST(McpRequest, ASessionTellsItsVersionAndCannotBeGuessed) {
  const auto asked = [](const std::string& version) {
    return negotiated_version(json::object({{"protocolVersion", version}}));
  };
  EXPECT_EQ(asked("2024-11-05"), "2024-11-05");
  EXPECT_EQ(asked("2026-07-28"), "2025-11-25");
  EXPECT_EQ(asked("1.0"), "2025-11-25");

  const std::string session = new_session_id("2025-03-26", "/mcp");

  EXPECT_EQ(version_of_session(session), "2025-03-26");
  EXPECT_NE(session, new_session_id("2025-03-26", "/mcp"));
  EXPECT_EQ(session.find_first_not_of("0123456789abcdef.-"), std::string::npos);
  for (const std::string& foreign :
       {std::string("2025-03-26"), session + "0", session.substr(1), std::string(), std::string("x")
       }) {
    EXPECT_EQ(version_of_session(foreign), "") << foreign;
  }
}

TEST(McpRequest, ASessionBelongsToThePathItWasOpenedAt) {
  const std::string whole = new_session_id("2025-11-25", "/mcp");
  const std::string part = new_session_id("2025-11-25", "/mcp/dev");

  EXPECT_EQ(version_of_session(part), "2025-11-25");
  EXPECT_TRUE(is_session_at("/mcp", whole));
  EXPECT_TRUE(is_session_at("/mcp/dev", part));
  EXPECT_FALSE(is_session_at("/mcp/dev", whole));
  EXPECT_FALSE(is_session_at("/mcp", part));
  EXPECT_FALSE(is_session_at("/mcp/de", part));
  EXPECT_FALSE(is_session_at("/mcp/ops", part));
  EXPECT_FALSE(is_session_at("/mcp/dev", "x"));
}

}  // namespace
}  // namespace sluice::ingress
