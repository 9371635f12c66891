#include "services/ingress/handlers/mcp.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/http/sse.h"
#include "common/json/parse.h"
#include "common/mcp/protocol.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;

const std::string kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";
const std::string kInitialize =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";
const std::string kRead = R"({"name":"filesystem-read_file","arguments":{"path":"/tmp/a"}})";

std::string rpc(const std::string& method, const std::string& params, const std::string& id = "2") {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params +
         "}";
}

class McpTest : public ::testing::Test {
 protected:
  http::HttpRequest request(const std::string& body, const std::string& key = "sk-user") {
    auto made = IngressFixture::request(body, key);
    made.headers.add("accept", "application/json, text/event-stream");
    return made;
  }

  int send(http::HttpRequest made) {
    EXPECT_THAT(fixture.post_mcp(std::move(made)), IsOk());
    return fixture.writer->status();
  }

  std::string open_session(const std::string& key = "sk-user") {
    EXPECT_EQ(send(request(kInitialize, key)), 200);
    return std::string(fixture.writer->headers().get("mcp-session-id"));
  }

  int send_in(
      const std::string& session, const std::string& body, const std::string& key = "sk-user"
  ) {
    auto made = request(body, key);
    made.headers.add("Mcp-Session-Id", session);
    return send(std::move(made));
  }

  int send_modern(
      const std::string& method, const std::string& params, const std::string& name = ""
  ) {
    auto made = request(rpc(method, params));
    made.headers.add("MCP-Protocol-Version", "2026-07-28");
    made.headers.add("Mcp-Method", method);
    if (!name.empty()) {
      made.headers.add("Mcp-Name", name);
    }
    return send(std::move(made));
  }

  int end_session(const std::string& session, const std::string& key = "sk-user") {
    auto made = IngressFixture::request("", key);
    if (!session.empty()) {
      made.headers.add("Mcp-Session-Id", session);
    }
    const auto response = fixture.run(fixture.mcp.end(std::move(made), fixture.context()));
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response.value().status : 0;
  }

  json::Value answered() {
    auto value = json::parse(fixture.writer->body());
    EXPECT_THAT(value, IsOk()) << fixture.writer->body();
    return value.ok() ? std::move(value).value() : json::Value();
  }

  json::Value result() {
    const json::Value body = answered();
    const json::Value* member = body.find("result");
    EXPECT_NE(member, nullptr) << fixture.writer->body();
    return member == nullptr ? json::Value() : *member;
  }

  std::int64_t error_code() {
    const json::Value body = answered();
    const json::Value* error = body.find("error");
    return error == nullptr ? 0 : error->find("code")->as_int().value_or(0);
  }

  // A resource, a template and a prompt of the filesystem server.
  void offer() {
    auto& server = *fixture.servers.catalog_reply.mutable_servers(0);
    auto& resource = *server.add_resources();
    resource.set_key("file:///a");
    resource.set_definition(R"({"uri":"file:///a","name":"a"})");
    auto& pattern = *server.add_resource_templates();
    pattern.set_key("file:///{name}");
    pattern.set_definition(R"({"uriTemplate":"file:///{name}"})");
    auto& prompt = *server.add_prompts();
    prompt.set_key("ask");
    prompt.set_definition(R"({"name":"ask"})");
    fixture.policy.shown.add_servers(server.server_id());
    fixture.versions.catalog_changed();
  }

  IngressFixture fixture;
};

TEST_F(McpTest, ALegacyClientInitializesListsAndCalls) {
  const std::string session = open_session();
  EXPECT_EQ(result().text_or("protocolVersion", ""), "2025-06-18");
  EXPECT_EQ(result().find("serverInfo")->text_or("name", ""), "sluice");

  EXPECT_EQ(send_in(session, R"({"jsonrpc":"2.0","method":"notifications/initialized"})"), 202);
  EXPECT_EQ(fixture.writer->body(), "");
  EXPECT_EQ(send_in(session, rpc("ping", "{}")), 200);
  EXPECT_EQ(fixture.writer->body(), R"({"jsonrpc":"2.0","id":2,"result":{}})");
  EXPECT_EQ(send_in(session, rpc("tools/list", "{}")), 200);
  const json::Value listed = result();
  ASSERT_EQ(listed.find("tools")->as_array()->size(), 2U) << "secret_file is hidden";
  EXPECT_EQ((*listed.find("tools")->as_array())[0].text_or("name", ""), "filesystem-read_file");
  EXPECT_EQ(send_in(session, rpc("tools/call", kRead, R"("2")")), 200);

  EXPECT_EQ(
      fixture.writer->body(),
      R"({"jsonrpc":"2.0","id":"2","result":{"content":[{"type":"text","text":"done"}]}})"
  );
  ASSERT_EQ(fixture.servers.requests.size(), 1U);
  EXPECT_EQ(fixture.servers.requests[0].first.grant(), "signed grant");
  EXPECT_EQ(fixture.servers.requests[0].first.params(), R"({"path":"/tmp/a"})");
  EXPECT_TRUE(fixture.servers.requests[0].first.cancel_with_caller())
      << "the client may cancel it by notification";
}

TEST_F(McpTest, TheCallsOfASessionAreOneConversation) {
  const std::string session = open_session();
  ASSERT_EQ(send_in(session, rpc("tools/call", kRead)), 200);
  ASSERT_EQ(send_in(session, rpc("tools/call", kRead)), 200);
  const std::string other = open_session();
  ASSERT_EQ(send_in(other, rpc("tools/call", kRead)), 200);

  const auto records = fixture.audit.with_action("tool.execute");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].chain_id(), records[1].chain_id());
  EXPECT_LT(records[0].hop(), records[1].hop());
  EXPECT_NE(records[0].chain_id(), records[2].chain_id());
  EXPECT_NE(records[0].tool_call_id(), records[1].tool_call_id()) << "each call has its own effect";
}

TEST_F(McpTest, ASessionIsItsOwnersAndEnds) {
  const std::string session = open_session();
  EXPECT_EQ(send_in(session, rpc("ping", "{}"), "sk-admin"), 404) << "of another principal";
  EXPECT_EQ(send_in("2025-11-25." + std::string(32, '0'), rpc("ping", "{}")), 404);
  EXPECT_EQ(send_in("nonsense", rpc("ping", "{}")), 404);
  EXPECT_EQ(send(request(rpc("ping", "{}"))), 400) << "no session";
  EXPECT_EQ(end_session(session, "sk-admin"), 404);
  EXPECT_EQ(end_session(""), 400);
  EXPECT_EQ(send_in(session, rpc("ping", "{}")), 200);

  EXPECT_EQ(end_session(session), 200);

  EXPECT_EQ(send_in(session, rpc("ping", "{}")), 404);
  EXPECT_EQ(end_session(session), 404);
}

TEST_F(McpTest, ASessionLivesWhileItIsUsed) {
  const std::string session = open_session();
  const auto most_of_an_hour = kMcpSessionIdleMax - std::chrono::minutes(1);
  for (int i = 0; i < 3; ++i) {
    fixture.clock.advance(most_of_an_hour);
    fixture.beat(fixture.policy.policy_version);
    EXPECT_EQ(send_in(session, rpc("ping", "{}")), 200);
  }
  fixture.clock.advance(kMcpSessionIdleMax);
  fixture.beat(fixture.policy.policy_version);
  EXPECT_EQ(send_in(session, rpc("ping", "{}")), 404);
}

TEST_F(McpTest, AModernClientNeedsNoSession) {
  EXPECT_EQ(send_modern("server/discover", "{" + kMeta + "}"), 200);
  EXPECT_EQ(result().text_or("resultType", ""), "complete");
  EXPECT_EQ((*result().find("supportedVersions")->as_array())[0], json::Value("2026-07-28"));
  EXPECT_EQ(send_modern("tools/list", "{" + kMeta + "}"), 200);
  EXPECT_EQ(result().text_or("cacheScope", ""), "private");
  EXPECT_EQ(result().find("tools")->as_array()->size(), 2U);
  EXPECT_FALSE(fixture.writer->headers().has("mcp-session-id"));

  EXPECT_EQ(
      send_modern(
          "tools/call", R"({"name":"filesystem-read_file",)" + kMeta + "}", "filesystem-read_file"
      ),
      200
  );

  EXPECT_EQ(result().text_or("resultType", ""), "complete");
  EXPECT_NE(result().find("_meta")->find(mcp::kMetaServerInfo), nullptr);
  EXPECT_EQ((*result().find("content")->as_array())[0].text_or("text", ""), "done");
  EXPECT_EQ(fixture.servers.requests.at(0).first.params(), "{}") << "no arguments are none";
  EXPECT_TRUE(fixture.servers.requests.at(0).first.cancel_with_caller());
}

TEST_F(McpTest, WhatTheModernEraDroppedIs404) {
  for (const char* method : {"ping", "initialize", "logging/setLevel", "resources/subscribe"}) {
    EXPECT_EQ(send_modern(method, "{" + kMeta + "}"), 404) << method;
    EXPECT_EQ(error_code(), mcp::kMethodNotFound) << method;
    EXPECT_EQ(answered().find("id")->as_int(), 2) << method;
  }
  EXPECT_EQ(send_modern("tools/call", R"({"name":"a",)" + kMeta + "}", "b"), 400);
  EXPECT_EQ(error_code(), mcp::kHeaderMismatch);
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpTest, ProgressMakesTheAnswerAStream) {
  fixture.servers.progress = {
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":1}})",
      "unreadable",
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":2}})"
  };
  const std::string session = open_session();
  const std::string params =
      R"({"name":"filesystem-read_file","arguments":{},"_meta":{"progressToken":"mine"}})";

  EXPECT_EQ(send_in(session, rpc("tools/call", params)), 200);

  EXPECT_EQ(fixture.writer->headers().get("content-type"), "text/event-stream");
  http::SseParser parser;
  const auto events = parser.feed(fixture.writer->body());
  ASSERT_THAT(events, IsOk());
  ASSERT_EQ(events.value().size(), 3U);
  EXPECT_THAT(events.value()[0].data, HasSubstr(R"("progressToken":"mine","progress":1)"));
  EXPECT_THAT(events.value()[1].data, HasSubstr(R"("progress":2)"));
  EXPECT_THAT(events.value()[2].data, HasSubstr(R"("id":2,"result")"));
  EXPECT_TRUE(fixture.writer->ended());

  EXPECT_EQ(send_in(session, rpc("tools/call", kRead)), 200);
  EXPECT_TRUE(fixture.writer->responded()) << "nobody asked for progress";
}

TEST_F(McpTest, WhatCannotBeCalledIsAnErrorTheClientCanRead) {
  const std::string session = open_session();
  EXPECT_EQ(send_in(session, rpc("tools/call", R"({"name":"filesystem-raed_file"})")), 200);
  EXPECT_EQ(error_code(), mcp::kInvalidParams);
  EXPECT_THAT(fixture.writer->body(), HasSubstr("filesystem-read_file"));
  for (const char* params : {"{}", R"({"name":"filesystem-read_file","arguments":[]})", "[1]"}) {
    EXPECT_EQ(send_in(session, rpc("tools/call", params)), 200);
    EXPECT_EQ(error_code(), mcp::kInvalidParams) << params;
  }
  EXPECT_EQ(send_in(session, rpc("tools/list", R"({"cursor":"x"})")), 200);
  EXPECT_EQ(error_code(), mcp::kInvalidParams);
  EXPECT_EQ(send_in(session, rpc("nothing/here", "{}")), 200);
  EXPECT_EQ(error_code(), mcp::kMethodNotFound);
  EXPECT_TRUE(fixture.servers.requests.empty());

  fixture.servers.push(Error(Code::Invalid, "argument path is missing"));
  EXPECT_EQ(send_in(session, rpc("tools/call", kRead)), 200);
  EXPECT_EQ(result().find("isError")->as_bool(), true) << "the model can mend arguments";
  fixture.servers.requests.clear();

  policy::v1::Decision denied;
  denied.set_verdict(policy::v1::VERDICT_DENY);
  denied.set_rule("rule-1");
  fixture.policy.push_decision(denied);
  EXPECT_EQ(send_in(session, rpc("tools/call", kRead)), 200);
  EXPECT_EQ(result().find("isError")->as_bool(), true);
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpTest, WhoMayNotUseItLearnsWhy) {
  EXPECT_EQ(send(request(kInitialize, "")), 401);
  EXPECT_EQ(fixture.writer->headers().get("www-authenticate"), "Bearer");
  EXPECT_EQ(send(request(kInitialize, "sk-wrong")), 401);
  auto foreign = request(kInitialize);
  foreign.headers.add("origin", "https://evil.example");
  EXPECT_EQ(send(std::move(foreign)), 403);
  auto known = request(kInitialize);
  known.headers.add("origin", "https://app.example");
  EXPECT_EQ(send(std::move(known)), 200);
  EXPECT_EQ(send(IngressFixture::request(kInitialize)), 406);
}

TEST_F(McpTest, BodiesThatAreNoMessageAreRefused) {
  for (const auto& [body, code] : std::vector<std::pair<std::string, int>>{
           {"{", mcp::kParseError},
           {"", mcp::kParseError},
           {"{}", mcp::kInvalidRequest},
           {R"({"jsonrpc":"2.0","id":null,"method":"ping"})", mcp::kInvalidRequest},
           {"[]", mcp::kInvalidRequest},
       }) {
    EXPECT_EQ(send(request(body)), 400) << body;
    EXPECT_EQ(error_code(), code) << body;
  }
}

TEST_F(McpTest, BatchesBelongToOneRevision) {
  const std::string batch = "[" + rpc("ping", "{}", "7") +
                            R"(,{"jsonrpc":"2.0","method":"notifications/initialized"},)" +
                            rpc("ping", "{}", R"("7")") + "]";
  EXPECT_EQ(send_in(open_session(), batch), 400);

  EXPECT_EQ(
      send(request(
          R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26"}})"
      )),
      200
  );
  const std::string session(fixture.writer->headers().get("mcp-session-id"));
  EXPECT_EQ(send_in(session, batch), 200);
  EXPECT_EQ(
      fixture.writer->body(),
      R"([{"jsonrpc":"2.0","id":7,"result":{}},{"jsonrpc":"2.0","id":"7","result":{}}])"
  );
  EXPECT_EQ(send_in(session, R"([{"jsonrpc":"2.0","method":"notifications/initialized"}])"), 202);
}

TEST_F(McpTest, WhatScriptsCanCallIsRead) {
  fixture.offer_code();
  const std::string session = open_session();
  ASSERT_EQ(
      send_in(
          session,
          rpc("tools/call", R"({"name":"readToolFile","arguments":{"fileName":"youtube"}})")
      ),
      200
  );
  ASSERT_EQ(fixture.scripts.described.size(), 1U);
  EXPECT_EQ(fixture.scripts.described[0].first.read().name(), "youtube");
  EXPECT_NE(result().find("content"), nullptr);

  ASSERT_EQ(send_in(session, rpc("tools/call", R"({"name":"searchTools","arguments":{}})")), 200);
  EXPECT_EQ(result().find("isError")->as_bool(), true);
  EXPECT_EQ(fixture.scripts.described.size(), 1U);
}

TEST_F(McpTest, ScriptsRunThroughItsOneTool) {
  fixture.offer_code();
  const std::string session = open_session();
  ASSERT_EQ(send_in(session, rpc("tools/list", "{}")), 200);
  const json::Value listed = result();
  EXPECT_EQ(listed.find("tools")->as_array()->back().text_or("name", ""), "executeToolCode");
  EXPECT_NE(listed.find("tools")->as_array()->back().find("inputSchema"), nullptr);

  ASSERT_EQ(
      send_in(
          session,
          rpc("tools/call", R"({"name":"executeToolCode","arguments":{"code":"return 1"}})")
      ),
      200
  );

  ASSERT_EQ(fixture.scripts.runs.size(), 1U);
  EXPECT_EQ(fixture.scripts.runs[0].first.source(), "return 1");
  EXPECT_NE(result().find("content"), nullptr);
}

TEST_F(McpTest, ResourcesAndPromptsAreListedAndRead) {
  offer();
  const std::string session = open_session();
  ASSERT_EQ(send_in(session, rpc("resources/list", "{}")), 200);
  EXPECT_EQ(
      fixture.writer->body(),
      R"({"jsonrpc":"2.0","id":2,"result":{"resources":[{"uri":"file:///a","name":"a"}]}})"
  );
  ASSERT_EQ(send_in(session, rpc("resources/templates/list", "{}")), 200);
  EXPECT_EQ(result().find("resourceTemplates")->as_array()->size(), 1U);
  ASSERT_EQ(send_in(session, rpc("prompts/list", "{}")), 200);
  EXPECT_EQ((*result().find("prompts")->as_array())[0].text_or("name", ""), "filesystem-ask");

  connector::v1::Final final;
  final.set_outcome(connector::v1::OUTCOME_DONE);
  final.set_result(R"({"contents":[{"uri":"file:///a","text":"x"}]})");
  fixture.servers.push(final);
  ASSERT_EQ(send_in(session, rpc("resources/read", R"({"uri":"file:///a"})")), 200);

  EXPECT_EQ(
      fixture.writer->body(),
      R"({"jsonrpc":"2.0","id":2,"result":{"contents":[{"uri":"file:///a","text":"x"}]}})"
  );
  ASSERT_EQ(fixture.policy.decides.size(), 1U);
  const policy::v1::ToolCall& decided = fixture.policy.decides[0].first.calls(0);
  EXPECT_EQ(decided.method(), "resources/read");
  EXPECT_EQ(decided.tool(), "");
  EXPECT_EQ(decided.server_id(), kFilesystemId);
  EXPECT_EQ(decided.arguments(), R"({"uri":"file:///a"})");
  const connector::v1::Request& sent = fixture.servers.requests.at(0).first;
  EXPECT_EQ(sent.method(), "resources/read");
  EXPECT_EQ(sent.params(), R"({"uri":"file:///a"})");
  EXPECT_EQ(sent.grant(), "signed grant");
  const auto records = fixture.audit.with_action("tool.execute");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].tool(), "resources/read");

  ASSERT_EQ(send_in(session, rpc("prompts/get", R"({"name":"filesystem-ask"})")), 200);
  EXPECT_EQ(fixture.servers.requests.at(1).first.params(), R"({"name":"ask"})");
  EXPECT_EQ(send_in(session, rpc("resources/read", R"({"uri":"other:///a"})")), 200);
  EXPECT_EQ(error_code(), mcp::kLegacyResourceNotFound);
}

TEST_F(McpTest, AModernClientReadsTheSame) {
  offer();
  ASSERT_EQ(send_modern("resources/list", "{" + kMeta + "}"), 200);
  EXPECT_EQ(result().text_or("cacheScope", ""), "private");
  connector::v1::Final final;
  final.set_outcome(connector::v1::OUTCOME_DONE);
  final.set_result(R"({"contents":[]})");
  fixture.servers.push(final);

  ASSERT_EQ(
      send_modern("resources/read", R"({"uri":"file:///b",)" + kMeta + "}", "file:///b"), 200
  );

  EXPECT_EQ(result().text_or("resultType", ""), "complete");
  EXPECT_EQ(result().text_or("cacheScope", ""), "private");
  EXPECT_EQ(send_modern("prompts/get", R"({"name":"no",)" + kMeta + "}", "no"), 200);
  EXPECT_EQ(error_code(), mcp::kInvalidParams);
}

TEST_F(McpTest, WhoListensIsToldUntilTheGatewayStops) {
  fixture.streams.stop();  // so that a stream ends at once
  EXPECT_EQ(
      send_modern(
          "subscriptions/listen",
          R"({"notifications":{"toolsListChanged":true,"promptsListChanged":true},)" + kMeta + "}"
      ),
      200
  );
  http::SseParser parser;
  const auto events = parser.feed(fixture.writer->body());
  ASSERT_THAT(events, IsOk());
  ASSERT_EQ(events.value().size(), 2U);
  EXPECT_EQ(
      events.value()[0].data,
      R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":)"
      R"({"io.modelcontextprotocol/subscriptionId":2},"notifications":{"toolsListChanged":true,)"
      R"("promptsListChanged":true}}})"
  );
  EXPECT_EQ(
      events.value()[1].data,
      R"({"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","_meta":)"
      R"({"io.modelcontextprotocol/subscriptionId":2}}})"
  );
  EXPECT_EQ(send_modern("subscriptions/listen", "{" + kMeta + "}"), 200);
  EXPECT_EQ(error_code(), mcp::kInvalidParams);
}

TEST_F(McpTest, AListeningClientHasASession) {
  const std::string session = open_session();
  fixture.streams.stop();
  const auto listen = [this](const std::string& in, const std::string& version) {
    auto made = request("");
    made.headers.add("Mcp-Session-Id", in);
    made.headers.add("MCP-Protocol-Version", version);
    fixture.writer = std::make_unique<http::testing::RecordingResponseWriter>();
    EXPECT_THAT(
        fixture.run(fixture.mcp.listen(std::move(made), fixture.writer.get(), fixture.context())),
        IsOk()
    );
    return fixture.writer->status();
  };

  EXPECT_EQ(listen(session, "2025-11-25"), 200);
  EXPECT_EQ(fixture.writer->headers().get("content-type"), "text/event-stream");
  EXPECT_EQ(listen("", "2025-11-25"), 400);
  EXPECT_EQ(listen("2025-11-25." + std::string(32, '0'), "2025-11-25"), 404);
  EXPECT_EQ(listen(session, "2026-07-28"), 405);
}

TEST_F(McpTest, WithoutItsStoreNoSessionIsGivenOrTaken) {
  const std::string session = open_session();
  fixture.redis.set_down(true);

  EXPECT_EQ(send(request(kInitialize)), 503);
  EXPECT_EQ(send_in(session, rpc("ping", "{}")), 503);
  EXPECT_EQ(send_modern("tools/list", "{" + kMeta + "}"), 200);
}

}  // namespace
}  // namespace sluice::ingress
