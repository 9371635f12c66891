// What servers ask and tell during requests of MCP clients, in both eras.
#include "services/ingress/testing/mcp_rig.h"

#include "common/mcp/protocol.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

const std::string kAskForm = R"({"k":{"method":"elicitation/create","params":{"message":"Who?"}}})";
const std::string kLog =
    R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})";
const std::string kRead = R"("name":"filesystem-read_file","arguments":{"path":"/a"})";
const std::string kDone = R"({"content":[{"type":"text","text":"done"}]})";

std::string meta(const std::string& capabilities, const std::string& more = "") {
  return R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
         R"("io.modelcontextprotocol/clientCapabilities":)" +
         capabilities + more + "}";
}

class McpAskingTest : public McpRig {
 protected:
  Post& start_modern(
      const std::string& method, const std::string& params, const std::string& name = ""
  ) {
    auto made = request(rpc(method, params), "");
    made.headers.add("MCP-Protocol-Version", "2026-07-28");
    made.headers.add("Mcp-Method", method);
    if (!name.empty()) {
      made.headers.add("Mcp-Name", name);
    }
    return start(std::move(made));
  }

  Post& call_modern(const std::string& members, const std::string& more_meta = "") {
    return start_modern(
        "tools/call",
        "{" + members + "," + meta(R"({"elicitation":{}})", more_meta) + "}",
        "filesystem-read_file"
    );
  }

  static std::int64_t error_code(const Post& post) {
    const json::Value body = parsed(post.writer.body());
    const json::Value* error = body.find("error");
    return error == nullptr ? 0 : error->find("code")->as_int().value_or(0);
  }

  // What of the filesystem server is read.
  void offer(bool subscriptions) {
    auto& server = *fixture.servers.catalog_reply.mutable_servers(0);
    server.set_subscriptions(subscriptions);
    server.set_instructions("Read before you write.");
    auto& resource = *server.add_resources();
    resource.set_key("file:///a");
    resource.set_definition(R"({"uri":"file:///a","name":"a"})");
    fixture.policy.shown.add_servers(server.server_id());
    fixture.servers.catalog_reply.set_version("offered");
    fixture.policy.shown.set_catalog_version("offered");
    fixture.versions.catalog_changed();
  }
};

TEST_F(McpAskingTest, ALegacyClientIsAskedOnTheStreamOfItsCall) {
  const std::string session = open_session(R"({"elicitation":{}})");
  fixture.servers.push(asks(kAskForm));
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));

  ASSERT_EQ(fixture.servers.requests.size(), 1U);
  EXPECT_EQ(fixture.servers.requests[0].first.client_capabilities(), R"({"elicitation":{}})");
  EXPECT_EQ(fixture.servers.requests[0].first.session(), session);
  ASSERT_EQ(call.events().size(), 1U);
  const json::Value asked = parsed(call.events()[0].data);
  EXPECT_EQ(asked.text_or("method", ""), "elicitation/create");
  EXPECT_EQ(asked.find("params")->text_or("message", ""), "Who?");
  EXPECT_FALSE(call.ended.has_value());

  const Post& answer = start_in(
      session,
      R"({"jsonrpc":"2.0","id":")" + asked.text_or("id", "") +
          R"(","result":{"action":"accept","content":{"a": 1.0}}})"
  );

  EXPECT_EQ(answer.writer.status(), 202);
  ASSERT_EQ(fixture.servers.inputs.size(), 1U);
  const connector::v1::Input& input = fixture.servers.inputs[0].first;
  EXPECT_EQ(input.server_id(), kFilesystemId);
  EXPECT_EQ(input.request_id(), "r1");
  EXPECT_EQ(input.method(), "tools/call");
  EXPECT_EQ(input.params(), R"({"path":"/a"})");
  EXPECT_EQ(input.responses(), R"({"k":{"result":{"action":"accept","content":{"a": 1.0}}}})");
  EXPECT_TRUE(input.cancel_with_caller());
  EXPECT_EQ(fixture.policy.decides.size(), 1U) << "it goes on under its first grant";
  ASSERT_TRUE(call.ended.has_value());
  ASSERT_EQ(call.events().size(), 2U);
  EXPECT_THAT(call.events()[1].data, HasSubstr(R"("id":2,"result")"));
  EXPECT_EQ(fixture.mcp_calls.under_way(), 0U);
  EXPECT_TRUE(fixture.replicas.told.empty());
}

TEST_F(McpAskingTest, ALegacyClientAnswersThroughAnyReplica) {
  const std::string session = open_session(R"({"elicitation":{}})");
  const std::string foreign =
      R"({"jsonrpc":"2.0","id":"sluice-elsewhere-0","error":{"code":-1,"message":"no"}})";
  EXPECT_EQ(start_in(session, foreign).writer.status(), 202);
  ASSERT_EQ(fixture.replicas.told.size(), 1U);
  EXPECT_EQ(fixture.replicas.told[0].session(), session);
  EXPECT_EQ(fixture.replicas.told[0].principal(), "key:user");
  EXPECT_EQ(fixture.replicas.told[0].message(), foreign);
  start_in(session, R"({"jsonrpc":"2.0","id":7,"result":{}})");
  start_in(session, R"({"jsonrpc":"2.0","method":"notifications/roots/list_changed"})");
  EXPECT_EQ(fixture.replicas.told.size(), 1U) << "these belong to no request of ours";

  fixture.servers.push(asks(kAskForm));
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));
  ASSERT_EQ(call.events().size(), 1U);
  v1::ClientMessage told = fixture.replicas.told[0];
  told.set_message(
      R"({"jsonrpc":"2.0","id":")" + parsed(call.events()[0].data).text_or("id", "") +
      R"(","error":{"code":-1,"message":"no"}})"
  );
  v1::ClientMessage of_another = told;
  of_another.set_principal("key:admin");
  fixture.mcp_calls.heard(of_another);
  turn();
  EXPECT_TRUE(fixture.servers.inputs.empty());
  fixture.mcp_calls.heard(told);
  turn();

  ASSERT_EQ(fixture.servers.inputs.size(), 1U);
  EXPECT_EQ(
      fixture.servers.inputs[0].first.responses(), R"({"k":{"error":{"code":-1,"message":"no"}}})"
  );
  EXPECT_TRUE(call.ended.has_value());
}

TEST_F(McpAskingTest, WhatAClientDidNotDeclareItIsNotAsked) {
  const std::string session = open_session("{}");
  fixture.servers.push(asks(kAskForm));

  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));

  EXPECT_TRUE(call.ended.has_value());
  EXPECT_TRUE(call.writer.responded());
  ASSERT_EQ(fixture.servers.inputs.size(), 1U);
  EXPECT_THAT(fixture.servers.inputs[0].first.responses(), HasSubstr(R"("code":-32601)"));
}

TEST_F(McpAskingTest, AClientThatDoesNotAnswerIsToldSoInTheEnd) {
  const std::string session = open_session(R"({"elicitation":{}})");
  fixture.servers.push(asks(kAskForm));
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));

  pass(kMcpAnswerWait - std::chrono::seconds(1));
  EXPECT_FALSE(call.ended.has_value());
  EXPECT_THAT(call.writer.body(), HasSubstr(": keep-alive"));
  pass(std::chrono::seconds(2));

  ASSERT_TRUE(call.ended.has_value());
  ASSERT_EQ(call.events().size(), 2U);
  EXPECT_THAT(call.events()[1].data, HasSubstr("did not answer"));
  EXPECT_TRUE(fixture.servers.inputs.empty());
}

TEST_F(McpAskingTest, AServerMayAskSoOftenAndNoMore) {
  const std::string session = open_session(R"({"elicitation":{}})");
  for (std::size_t i = 0; i <= kMcpInputRoundsMax; ++i) {
    fixture.servers.push(asks(""));
  }
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));

  pass(std::chrono::seconds(20));

  ASSERT_TRUE(call.ended.has_value());
  EXPECT_EQ(fixture.servers.inputs.size(), kMcpInputRoundsMax);
  EXPECT_EQ(fixture.servers.inputs[0].first.responses(), "{}");
  EXPECT_EQ(error_code(call), mcp::json_rpc_code(Code::Exhausted));
}

TEST_F(McpAskingTest, ALegacyClientCancelsByNotification) {
  const std::string session = open_session("{}");
  async::OneShot<void> hold;
  fixture.servers.hold = &hold;
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}", "\"a\""));
  EXPECT_TRUE(fixture.servers.requests.at(0).first.cancel_with_caller());
  const auto cancel = [&](const std::string& id) {
    const Post& post = start_in(
        session,
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + id + "}}"
    );
    EXPECT_EQ(post.writer.status(), 202);
  };
  cancel("\"b\"");
  EXPECT_FALSE(call.ended.has_value());
  EXPECT_EQ(fixture.replicas.told.size(), 1U) << "another replica may hold it";

  cancel("\"a\"");

  ASSERT_TRUE(call.ended.has_value());
  EXPECT_EQ(call.writer.status(), 200);
  EXPECT_TRUE(call.events().empty()) << "a cancelled request has no response";
  EXPECT_TRUE(call.writer.ended());
  EXPECT_EQ(fixture.mcp_calls.under_way(), 0U);
}

TEST_F(McpAskingTest, ALegacyClientThatLeavesEndsNothing) {
  const std::string session = open_session("{}");
  async::OneShot<void> hold;
  fixture.servers.hold = &hold;
  fixture.servers.progress = {kLog};
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));
  ASSERT_EQ(call.events().size(), 1U);

  fixture.tasks.cancel(call.task);
  turn();
  ASSERT_TRUE(call.ended.has_value());
  EXPECT_THAT(*call.ended, HasCode(Code::Cancelled));
  EXPECT_EQ(fixture.mcp_calls.under_way(), 1U);
  hold.set({});
  turn();

  EXPECT_EQ(fixture.mcp_calls.under_way(), 0U);
}

TEST_F(McpAskingTest, ALegacyClientThatLeavesAndCannotComeBackIsAskedNoMore) {
  const std::string session = open_session(R"({"elicitation":{}})", "2024-11-05");
  fixture.servers.push(asks(kAskForm));
  const Post& call = start_in(session, rpc("tools/call", "{" + kRead + "}"));
  fixture.tasks.cancel(call.task);
  turn();

  pass(kMcpKeepAlive);

  EXPECT_EQ(fixture.mcp_calls.under_way(), 0U);
  EXPECT_TRUE(fixture.servers.inputs.empty());
}

TEST_F(McpAskingTest, AModernClientIsAskedByTheResult) {
  fixture.servers.push(asks(kAskForm, "r-1"));
  const Post& first = call_modern(kRead);

  EXPECT_EQ(fixture.servers.requests.at(0).first.client_capabilities(), R"({"elicitation":{}})");
  EXPECT_EQ(first.writer.status(), 200);
  EXPECT_EQ(
      first.writer.body(),
      R"({"jsonrpc":"2.0","id":2,"result":{"_meta":{"io.modelcontextprotocol/serverInfo":)"
      R"({"name":"sluice","title":"Sluice","version":"1"}},"resultType":"input_required",)"
      R"("inputRequests":{"k":{"method":"elicitation/create","params":{"message":"Who?"}}},)"
      R"("requestState":"sluice1.00000000000000f5.r-1"}})"
  );

  const Post& second = call_modern(
      kRead +
      R"(,"inputResponses":{"k":{"action":"decline"}},"requestState":"sluice1.00000000000000f5.r-1")"
  );

  ASSERT_EQ(fixture.servers.inputs.size(), 1U);
  const auto& [input, context] = fixture.servers.inputs[0];
  EXPECT_EQ(input.request_id(), "r-1");
  EXPECT_EQ(input.params(), R"({"path":"/a"})");
  EXPECT_EQ(input.responses(), R"({"k":{"result":{"action":"decline"}}})");
  EXPECT_EQ(context.caller_token, "token of key:user");
  EXPECT_EQ(fixture.policy.decides.size(), 1U) << "it goes on under its first grant";
  EXPECT_THAT(second.writer.body(), HasSubstr(R"("resultType":"complete")"));
}

TEST_F(McpAskingTest, AStateThatNamesNoRequestOfTheCallerIsRefused) {
  const auto code_for = [&](const std::string& state) {
    return error_code(call_modern(kRead + R"(,"requestState":)" + state));
  };
  for (const char* state : {"1", R"("x")", R"("sluice1.00000000000000f6.r")", R"("sluice1.f5")"}) {
    EXPECT_EQ(code_for(state), mcp::kInvalidParams) << state;
  }
  EXPECT_TRUE(fixture.servers.inputs.empty());
  for (const Code code : {Code::NotFound, Code::Denied, Code::Invalid, Code::Conflict}) {
    fixture.servers.push(Error(code, "not waiting"));
    EXPECT_EQ(code_for(R"("sluice1.00000000000000f5.r")"), mcp::kInvalidParams);
  }
  EXPECT_TRUE(fixture.servers.requests.empty()) << "nothing is decided anew";

  fixture.servers.push(Error(Code::Unavailable, "connection lost"));
  const Post& lost = call_modern(kRead + R"(,"requestState":"sluice1.00000000000000f5.r")");
  EXPECT_THAT(lost.writer.body(), HasSubstr("no answer was recorded"));

  const Post& fresh = call_modern(kRead + R"(,"inputResponses":{"k":{}})");
  EXPECT_THAT(fresh.writer.body(), HasSubstr("done"));
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
}

TEST_F(McpAskingTest, ReadingAsksToo) {
  offer(false);
  fixture.servers.push(asks("{}"));
  const Post& first =
      start_modern("resources/read", R"({"uri":"file:///a",)" + meta("{}") + "}", "file:///a");
  EXPECT_THAT(first.writer.body(), HasSubstr(R"("resultType":"input_required","requestState")"));
  EXPECT_EQ(first.writer.body().find("ttlMs"), std::string::npos);

  start_modern(
      "resources/read",
      R"({"uri":"file:///a","requestState":"sluice1.00000000000000f5.r1",)" + meta("{}") + "}",
      "file:///a"
  );

  ASSERT_EQ(fixture.servers.inputs.size(), 1U);
  EXPECT_EQ(fixture.servers.inputs[0].first.method(), "resources/read");
  EXPECT_EQ(fixture.servers.inputs[0].first.params(), R"({"uri":"file:///a"})");
  EXPECT_EQ(fixture.servers.inputs[0].first.responses(), "{}");
}

TEST_F(McpAskingTest, ACapabilityThatAServerMissesIsA400) {
  connector::v1::Final final;
  final.set_error(
      R"({"code":-32021,"message":"sampling","data":{"requiredCapabilities":{"sampling":{}}}})"
  );
  for (const auto outcome : {connector::v1::OUTCOME_DONE, connector::v1::OUTCOME_UNKNOWN}) {
    final.set_outcome(outcome);  // the server said so, or the gateway ended its request
    fixture.servers.push(final);

    const Post& call = call_modern(kRead);

    EXPECT_EQ(call.writer.status(), 400);
    EXPECT_EQ(error_code(call), mcp::kMissingClientCapability);
    EXPECT_THAT(call.writer.body(), HasSubstr(R"("requiredCapabilities":{"sampling":{}})"));
  }
}

TEST_F(McpAskingTest, LogMessagesGoToWhoWantsThem) {
  fixture.servers.progress = {kLog};
  const std::string session = open_session("{}");
  const Post& legacy = start_in(session, rpc("tools/call", "{" + kRead + "}"));
  EXPECT_EQ(fixture.servers.requests.at(0).first.log_level(), "info");
  ASSERT_EQ(legacy.events().size(), 2U);
  EXPECT_EQ(legacy.events()[0].data, kLog);

  EXPECT_EQ(
      start_in(session, rpc("logging/setLevel", R"({"level":"error"})")).writer.body(),
      R"({"jsonrpc":"2.0","id":2,"result":{}})"
  );
  EXPECT_EQ(
      error_code(start_in(session, rpc("logging/setLevel", R"({"level":"loud"})"))),
      mcp::kInvalidParams
  );
  start_in(session, rpc("tools/call", "{" + kRead + "}"));
  EXPECT_EQ(fixture.servers.requests.at(1).first.log_level(), "error");

  EXPECT_TRUE(call_modern(kRead).writer.responded()) << "a modern client says what it wants";
  EXPECT_EQ(fixture.servers.requests.at(2).first.log_level(), "");
  const Post& modern = call_modern(kRead, R"(,"io.modelcontextprotocol/logLevel":"debug")");
  EXPECT_EQ(fixture.servers.requests.at(3).first.log_level(), "debug");
  ASSERT_EQ(modern.events().size(), 2U);
  EXPECT_EQ(modern.events()[0].data, kLog);
  EXPECT_EQ(
      error_code(call_modern(kRead, R"(,"io.modelcontextprotocol/logLevel":"loud")")),
      mcp::kInvalidParams
  );
}

TEST_F(McpAskingTest, ABatchIsToldAndAskedNothing) {
  const std::string session = open_session(R"({"elicitation":{}})", "2025-03-26");
  fixture.servers.progress = {kLog};

  const Post& batch = start_in(
      session,
      "[" + rpc("tools/call", "{" + kRead + R"(,"_meta":{"progressToken":1}})") + "," +
          R"({"jsonrpc":"2.0","id":"sluice-a-0","result":{}}])"
  );

  EXPECT_TRUE(batch.writer.responded());
  EXPECT_THAT(batch.writer.body(), HasSubstr(kDone));
  EXPECT_EQ(fixture.servers.requests.at(0).first.client_capabilities(), "");
  EXPECT_EQ(fixture.servers.requests.at(0).first.log_level(), "");
  EXPECT_FALSE(fixture.servers.requests.at(0).first.cancel_with_caller());
  EXPECT_EQ(fixture.replicas.told.size(), 1U) << "its answers are taken";
}

TEST_F(McpAskingTest, InstructionsOfTheServersAreGivenOn) {
  offer(false);
  const std::string text = R"("instructions":"## filesystem\nRead before you write.")";
  const std::string session = open_session("{}");
  EXPECT_THAT(posts.back()->writer.body(), HasSubstr(text));
  EXPECT_THAT(posts.back()->writer.body(), HasSubstr(R"("logging":{})"));
  EXPECT_THAT(
      start_modern("server/discover", "{" + meta("{}") + "}").writer.body(), HasSubstr(text)
  );

  fixture.servers.set_down(true);
  fixture.versions.catalog_changed();
  EXPECT_NE(open_session("{}"), "") << "a session needs no catalog";
  EXPECT_EQ(posts.back()->writer.body().find("instructions"), std::string::npos);
}

TEST_F(McpAskingTest, ASessionSubscribesToResourcesItMayRead) {
  offer(true);
  const std::string session = open_session("{}");
  const auto subscribe = [&](const std::string& uri) -> const Post& {
    return start_in(session, rpc("resources/subscribe", R"({"uri":")" + uri + R"("})"));
  };
  EXPECT_EQ(subscribe("file:///a").writer.body(), R"({"jsonrpc":"2.0","id":2,"result":{}})");
  ASSERT_EQ(fixture.servers.requests.size(), 1U);
  const connector::v1::Request& sent = fixture.servers.requests[0].first;
  EXPECT_EQ(sent.method(), "resources/subscribe");
  EXPECT_EQ(sent.params(), R"({"uri":"file:///a"})");
  EXPECT_EQ(sent.grant(), "signed grant");
  EXPECT_EQ(sent.session(), session);
  EXPECT_EQ(error_code(subscribe("other:///a")), mcp::kLegacyResourceNotFound);
  EXPECT_EQ(error_code(subscribe("")), mcp::kInvalidParams);
  const Owner owner{"default", "key:user"};
  EXPECT_EQ(
      fixture.run(fixture.mcp_sessions.state(owner, session)).value().subscriptions,
      std::vector<std::string>{"file:///a"}
  );

  EXPECT_EQ(
      start_in(session, rpc("resources/unsubscribe", R"({"uri":"file:///a"})")).writer.body(),
      R"({"jsonrpc":"2.0","id":2,"result":{}})"
  );

  EXPECT_TRUE(fixture.run(fixture.mcp_sessions.state(owner, session)).value().subscriptions.empty()
  );
  fixture.servers.catalog_reply.mutable_servers(0)->set_subscriptions(false);
  fixture.servers.catalog_reply.set_version("without");
  fixture.policy.shown.set_catalog_version("without");
  fixture.versions.catalog_changed();
  EXPECT_EQ(error_code(subscribe("file:///a")), mcp::kMethodNotFound);
}

TEST_F(McpAskingTest, AModernClientListensToResources) {
  offer(true);
  const Post& stream = start_modern(
      "subscriptions/listen",
      R"({"notifications":{"resourceSubscriptions":["file:///a","other:///b"]},)" + meta("{}") + "}"
  );
  ASSERT_EQ(stream.events().size(), 1U);
  EXPECT_THAT(
      stream.events()[0].data,
      HasSubstr(R"("notifications":{"resourceSubscriptions":["file:///a"]})")
  );
  ASSERT_EQ(fixture.servers.requests.size(), 1U);

  fixture.streams.updated(std::string(kFilesystemId), "file:///b");
  fixture.streams.updated(std::string(kFilesystemId), "file:///a");
  fixture.streams.updated(std::string(kFilesystemId), "file:///a");
  turn();
  pass(std::chrono::seconds(1));

  ASSERT_EQ(stream.events().size(), 2U);
  EXPECT_EQ(
      stream.events()[1].data,
      R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":)"
      R"({"uri":"file:///a","_meta":{"io.modelcontextprotocol/subscriptionId":2}}})"
  );
  pass(kMcpSubscriptionRenewal + kMcpKeepAlive);
  EXPECT_EQ(fixture.servers.requests.size(), 2U) << "the server forgets";
  EXPECT_EQ(
      error_code(start_modern(
          "subscriptions/listen",
          R"({"notifications":{"resourceSubscriptions":"file:///a"},)" + meta("{}") + "}"
      )),
      mcp::kInvalidParams
  );
  fixture.streams.stop();
}

}  // namespace
}  // namespace sluice::ingress
