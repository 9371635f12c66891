// Calls of MCP clients that wait for people, in both eras.
#include "services/ingress/testing/mcp_rig.h"

#include "common/mcp/protocol.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kWrite =
    R"("name":"filesystem-write_file","arguments":{"path":"/a","token":"s3cret"})";
const std::string kForms = R"({"elicitation":{}})";
const std::string kId = "apr_1";
const std::string kState = R"("requestState":"sluice1.approval.apr_1")";
const std::string kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}})";

class McpApprovalsTest : public McpRig {
 protected:
  McpApprovalsTest() {
    policy::v1::Approval approval;
    approval.set_id(kId);
    approval.set_tenant("default");
    approval.set_principal("key:user");
    approval.set_state(policy::v1::APPROVAL_STATE_PENDING);
    approval.set_server("filesystem");
    approval.set_tool("write_file");
    approval.set_arguments(R"({"path":"/a","token":"[masked]"})");
    approval.set_required(policy::v1::VERDICT_APPROVE);
    approval.set_rule("preset.safe");
    approval.set_chain_id("0123456789abcdef0123456789abcdef");
    approval.set_tool_call_id("call_first");
    fixture.approvals.known.push_back(approval);
    push_waiting();
  }

  // decide() says once more that people have to approve.
  void push_waiting() {
    policy::v1::Decision decision;
    decision.set_verdict(policy::v1::VERDICT_APPROVE);
    decision.set_rule("preset.safe");
    decision.set_reason("the approval has not been given yet");
    decision.set_approval_id(kId);
    fixture.policy.push_decision(decision);
  }

  Post& call_legacy(const std::string& capabilities = kForms) {
    session = open_session(capabilities);
    return start_in(session, rpc("tools/call", "{" + kWrite + "}"));
  }

  Post& call_modern(const std::string& more = "", const std::string& key = "sk-user") {
    auto made = request(rpc("tools/call", "{" + kWrite + "," + more + kMeta + "}"), "");
    made.headers.add("MCP-Protocol-Version", "2026-07-28");
    made.headers.add("Mcp-Method", "tools/call");
    made.headers.add("Mcp-Name", "filesystem-write_file");
    if (key != "sk-user") {
      made.headers.set("authorization", "Bearer " + key);
    }
    return start(std::move(made));
  }

  Post& retry_modern(const std::string& result) {
    return call_modern(R"("inputResponses":{"approval":)" + result + "}," + kState + ",");
  }

  // Answers the question of an event.
  void answer(const http::SseEvent& event, const std::string& result) {
    start_in(
        session,
        R"({"jsonrpc":"2.0","id":")" + parsed(event.data).text_or("id", "") + R"(","result":)" +
            result + "}"
    );
  }

  void settle(policy::v1::ApprovalState state, bool told = true) {
    fixture.approvals.known[0].set_state(state);
    policy::v1::ApprovalChanged changed;
    changed.set_id(kId);
    if (told) {
      fixture.approval_watch.heard(changed.id());
    }
    turn();
  }

  // The caller may answer approvals.
  void make_approver() {
    policy::v1::CallerClaims claims;
    claims.set_tenant("default");
    claims.set_principal("key:user");
    claims.set_key_id("key:user");
    claims.add_roles("caller");
    claims.add_roles("approver");
    fixture.policy.add_caller("sk-user", claims);
  }

  // The id with which the last decision was asked for.
  std::string used() { return fixture.policy.decides.back().first.calls(0).approval_id(); }

  std::string session;
};

TEST_F(McpApprovalsTest, ALegacyClientIsToldWhoHasToApproveAndItsCallGoesOn) {
  const Post& call = call_legacy();

  ASSERT_EQ(call.events().size(), 1U);
  const json::Value asked = parsed(call.events()[0].data);
  EXPECT_EQ(asked.text_or("method", ""), "elicitation/create");
  const std::string message = asked.find("params")->text_or("message", "");
  EXPECT_THAT(message, HasSubstr("apr_1"));
  EXPECT_THAT(message, HasSubstr(R"({"path":"/a","token":"[masked]"})"));
  EXPECT_THAT(message, Not(HasSubstr("s3cret")));
  EXPECT_TRUE(
      asked.find("params")->find("requestedSchema")->find("properties")->as_object()->empty()
  );
  EXPECT_TRUE(fixture.servers.requests.empty());

  settle(policy::v1::APPROVAL_STATE_APPROVED);

  ASSERT_TRUE(call.ended.has_value());
  ASSERT_EQ(call.events().size(), 3U);
  const json::Value withdrawn = parsed(call.events()[1].data);
  EXPECT_EQ(withdrawn.text_or("method", ""), "notifications/cancelled");
  EXPECT_EQ(withdrawn.find("params")->text_or("requestId", ""), asked.text_or("id", "x"));
  EXPECT_THAT(call.events()[2].data, HasSubstr(R"("text":"done")"));
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
  EXPECT_EQ(used(), kId);
  EXPECT_EQ(fixture.policy.decides.size(), 2U);
  EXPECT_EQ(
      fixture.policy.decides[0].second.chain.str(), fixture.policy.decides[1].second.chain.str()
  );
  EXPECT_EQ(fixture.approval_watch.waiting(), 0U);
}

TEST_F(McpApprovalsTest, AChangeNobodyToldOfIsFoundByLooking) {
  const Post& call = call_legacy();
  settle(policy::v1::APPROVAL_STATE_APPROVED, false);
  EXPECT_FALSE(call.ended.has_value());

  pass(kMcpApprovalPoll);

  EXPECT_TRUE(call.ended.has_value());
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
}

TEST_F(McpApprovalsTest, WhoMayAnswersUnderItsOwnToken) {
  make_approver();
  const Post& call = call_legacy();
  ASSERT_EQ(call.events().size(), 1U);
  EXPECT_THAT(call.events()[0].data, HasSubstr(R"("enum":["approve","deny"])"));

  answer(
      call.events()[0], R"({"action":"accept","content":{"decision":"approve","reason":"mine"}})"
  );

  ASSERT_EQ(fixture.approvals.answers.size(), 1U);
  EXPECT_EQ(fixture.approvals.answers[0].id(), kId);
  EXPECT_TRUE(fixture.approvals.answers[0].approve());
  EXPECT_EQ(fixture.approvals.answers[0].reason(), "mine");
  EXPECT_TRUE(call.ended.has_value());
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
  EXPECT_EQ(used(), kId);
}

TEST_F(McpApprovalsTest, AnAnswerThatPolicyEngineRefusesRunsNothing) {
  make_approver();
  fixture.approvals.takes_answers = false;
  const Post& call = call_legacy();
  ASSERT_EQ(call.events().size(), 1U);

  answer(call.events()[0], R"({"action":"accept","content":{"decision":"approve"}})");

  EXPECT_EQ(fixture.approvals.answers.size(), 1U);
  EXPECT_FALSE(call.ended.has_value());
  ASSERT_EQ(call.events().size(), 2U) << "it is told who may";
  EXPECT_THAT(call.events()[1].data, HasSubstr("Somebody else"));
  EXPECT_THAT(call.events()[1].data, Not(HasSubstr("enum")));

  push_waiting();
  EXPECT_THAT(call_modern().writer.body(), HasSubstr("enum"));
  const Post& retry = retry_modern(R"({"action":"accept","content":{"decision":"approve"}})");
  EXPECT_THAT(retry.writer.body(), HasSubstr("Somebody else"));
  EXPECT_EQ(fixture.approvals.answers.size(), 2U);
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpApprovalsTest, AClientThatWaitsIsAskedAgainLater) {
  const Post& call = call_legacy();
  ASSERT_EQ(call.events().size(), 1U);

  answer(call.events()[0], R"({"action":"accept","content":{}})");

  EXPECT_EQ(call.events().size(), 1U);
  pass(kMcpApprovalHold);
  EXPECT_EQ(call.events().size(), 2U);
  EXPECT_TRUE(fixture.approvals.answers.empty());
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpApprovalsTest, AClientThatDeclinesLeavesTheApprovalPending) {
  const Post& call = call_legacy();
  ASSERT_EQ(call.events().size(), 1U);

  answer(call.events()[0], R"({"action":"decline"})");

  ASSERT_TRUE(call.ended.has_value());
  EXPECT_THAT(call.events()[1].data, HasSubstr(R"("isError":true)"));
  EXPECT_THAT(call.events()[1].data, HasSubstr("apr_1"));
  EXPECT_TRUE(fixture.approvals.answers.empty());
  EXPECT_TRUE(fixture.servers.requests.empty());

  const Post& modern = retry_modern(R"({"action":"cancel"})");
  EXPECT_THAT(modern.writer.body(), HasSubstr(R"("isError":true)"));
  EXPECT_THAT(modern.writer.body(), HasSubstr("apr_1"));
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpApprovalsTest, AClientThatFillsInNoFormsIsToldTheId) {
  const Post& call = call_legacy("{}");

  ASSERT_TRUE(call.ended.has_value());
  EXPECT_THAT(call.writer.body(), HasSubstr("x-sluice-approval: apr_1"));
  EXPECT_EQ(fixture.approval_watch.waiting(), 0U);
}

TEST_F(McpApprovalsTest, TheWaitEndsBeforeTheRequestDoes) {
  const Post& call = call_legacy();

  pass(kMcpTimeout - kMcpApprovalReserve);

  ASSERT_TRUE(call.ended.has_value());
  EXPECT_THAT(call.events().back().data, HasSubstr("apr_1"));
  EXPECT_THAT(
      call.events().at(call.events().size() - 2).data, HasSubstr("notifications/cancelled")
  );
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpApprovalsTest, ACancelledCallWaitsNoLonger) {
  const Post& call = call_legacy();
  start_in(
      session, R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}})"
  );

  EXPECT_TRUE(call.ended.has_value());
  EXPECT_EQ(fixture.approval_watch.waiting(), 0U);
  settle(policy::v1::APPROVAL_STATE_APPROVED);
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpApprovalsTest, AModernClientComesBackWithTheApprovalsState) {
  const Post& call = call_modern();
  EXPECT_THAT(call.writer.body(), HasSubstr(R"("resultType":"input_required")"));
  EXPECT_THAT(call.writer.body(), HasSubstr(kState));
  EXPECT_THAT(call.writer.body(), HasSubstr(R"("method":"elicitation/create")"));

  const Post& early = retry_modern(R"({"action":"accept","content":{}})");
  EXPECT_FALSE(early.ended.has_value()) << "it is kept a little";
  pass(kMcpApprovalHold);
  ASSERT_TRUE(early.ended.has_value());
  EXPECT_THAT(early.writer.body(), HasSubstr("input_required"));

  const Post& kept = retry_modern(R"({"action":"accept","content":{}})");
  settle(policy::v1::APPROVAL_STATE_APPROVED);

  ASSERT_TRUE(kept.ended.has_value());
  EXPECT_THAT(kept.writer.body(), HasSubstr(R"("text":"done")"));
  EXPECT_EQ(used(), kId);
  const auto& [asked, context] = fixture.policy.decides.back();
  EXPECT_EQ(asked.calls(0).tool_call_id(), "call_first");
  EXPECT_EQ(context.chain.str(), "0123456789abcdef0123456789abcdef");
}

TEST_F(McpApprovalsTest, WhatEndedIsToldByPolicyEngine) {
  call_modern();
  fixture.approvals.known[0].set_state(policy::v1::APPROVAL_STATE_DENIED);
  policy::v1::Decision denied;
  denied.set_verdict(policy::v1::VERDICT_DENY);
  denied.set_rule("approval.denied");
  denied.set_reason("denied by key:carol: no");
  fixture.policy.push_decision(denied);

  const Post& retry = retry_modern(R"({"action":"accept","content":{}})");

  EXPECT_THAT(retry.writer.body(), HasSubstr(R"("isError":true)"));
  EXPECT_THAT(retry.writer.body(), HasSubstr("denied by key:carol: no"));
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(McpApprovalsTest, AStateIsOfNoUseToAnybodyElse) {
  const std::string retry =
      R"("inputResponses":{"approval":{"action":"accept","content":{}}},)" + kState + ",";
  fixture.approvals.known[0].set_state(policy::v1::APPROVAL_STATE_APPROVED);

  const Post& foreign = call_modern(retry, "sk-admin");
  EXPECT_THAT(foreign.writer.body(), HasSubstr("you have no such approval"));
  const Post& unknown = call_modern(R"("requestState":"sluice1.approval.apr_2",)");
  EXPECT_THAT(unknown.writer.body(), HasSubstr("you have no such approval"));
  EXPECT_TRUE(fixture.policy.decides.empty());
}

}  // namespace
}  // namespace sluice::ingress
