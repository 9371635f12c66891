#include "services/ingress/handlers/execute_tool.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

const std::string kChain(32, 'c');

std::string call_body(const std::string& tool, const std::string& id = "c1") {
  return R"({"id":")" + id + R"(","type":"function","function":{"name":")" + tool +
         R"(","arguments":"{\"path\":\"/tmp/a\"}"}})";
}

policy::v1::Decision decision_of(
    policy::v1::Verdict verdict, const std::string& grant, policy::v1::EffectClass effect
) {
  policy::v1::Decision decision;
  decision.set_verdict(verdict);
  decision.set_rule("rule-1");
  decision.set_reason("because");
  decision.set_grant(grant);
  decision.set_grant_id(grant.empty() ? "" : "grant-0123456789");
  decision.set_effect_class(effect);
  return decision;
}

json::Value parsed(const http::HttpResponse& response) {
  return json::parse(response.body).value_or(json::Value());
}

std::string code_of(const http::HttpResponse& response) {
  const json::Value body = parsed(response);
  return body.find("error") == nullptr ? "" : body.find("error")->text_or("code", "");
}

class ExecuteToolTest : public ::testing::Test {
 protected:
  http::HttpResponse post(
      const std::string& body, const std::string& header = "", const std::string& value = ""
  ) {
    auto request = IngressFixture::request(body);
    if (!header.empty()) {
      request.headers.add(header, value);
    }
    auto response = fixture.post_execute(std::move(request));
    EXPECT_THAT(response, IsOk());
    return response.ok() ? std::move(response).value()
                         : http::HttpResponse{.status = 0, .headers = {}, .body = {}};
  }

  void journal_says(
      audit::v1::JournalReply::State state, audit::v1::Outcome outcome, const std::string& result
  ) {
    audit::v1::Record record;
    record.set_outcome(outcome);
    fixture.journal.reply.set_state(state);
    fixture.journal.reply.set_outcome_record(record.SerializeAsString());
    fixture.journal.reply.set_result(result);
  }

  void connector_fails(Code code) { fixture.servers.push(Error(code, "the connector says no")); }

  IngressFixture fixture;
};

TEST_F(ExecuteToolTest, RunsACallUnderAGrantAndAnswersAToolMessage) {
  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"role":"tool","content":"done","tool_call_id":"c1"})");
  EXPECT_EQ(response.headers.get("x-sluice-chain").size(), 32U);
  ASSERT_EQ(fixture.policy.decides.size(), 1U);
  const auto& [asked, asked_in] = fixture.policy.decides[0];
  EXPECT_EQ(asked.mode(), policy::v1::MODE_MANUAL);
  EXPECT_EQ(asked.decision_unix_ms(), fixture.clock.unix_ms());
  EXPECT_EQ(asked.decision_id().size(), 16U);
  ASSERT_EQ(asked.calls_size(), 1);
  EXPECT_EQ(asked.calls(0).tool(), "write_file");
  EXPECT_EQ(asked.calls(0).server_id(), kFilesystemId);
  EXPECT_EQ(asked.calls(0).definition_hash(), definition_hash_of("filesystem", "write_file"));
  EXPECT_EQ(asked.calls(0).arguments(), R"({"path":"/tmp/a"})");
  EXPECT_EQ(asked_in.caller_token, "token of key:user");
  ASSERT_EQ(fixture.servers.requests.size(), 1U);
  const auto& [sent, sent_in] = fixture.servers.requests[0];
  EXPECT_EQ(sent.grant(), "signed grant");
  EXPECT_EQ(sent.params(), R"({"path":"/tmp/a"})");
  EXPECT_EQ(sent.method(), "tools/call");
  EXPECT_LT(asked_in.hop, sent_in.hop);
}

TEST_F(ExecuteToolTest, RecordsTheExecutionBeforePolicyIsAsked) {
  fixture.policy.set_down(false);
  const auto response = post(call_body("filesystem-write_file"));

  const auto records = fixture.audit.with_action("tool.execute");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(records[0].server(), "filesystem");
  EXPECT_EQ(records[0].tool(), "write_file");
  EXPECT_EQ(records[0].tool_call_id(), "c1");
  EXPECT_EQ(records[0].args_digest(), crypto::sha256(R"({"path":"/tmp/a"})"));
  EXPECT_EQ(records[0].chain_id(), response.headers.get("x-sluice-chain"));
  EXPECT_LT(records[0].hop(), fixture.policy.decides[0].second.hop);
}

TEST_F(ExecuteToolTest, AnswersTheResponsesFormWhenAsked) {
  auto request =
      IngressFixture::request(R"({"call_id":"c1","name":"filesystem-read_file","arguments":"{}"})");
  request.query = "format=responses";

  const auto response = fixture.post_execute(std::move(request));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(
      response.value().body, R"({"type":"function_call_output","call_id":"c1","output":"done"})"
  );
}

TEST_F(ExecuteToolTest, ContinuesTheChainThatSuggestedTheCall) {
  fixture.provider.push(answer_of("{}", {{"c1", "filesystem-write_file"}}));
  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());
  const std::string chain(fixture.writer->headers().get("x-sluice-chain"));

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.headers.get("x-sluice-chain"), chain);
  EXPECT_GT(
      fixture.audit.with_action("tool.execute")[0].hop(),
      fixture.audit.with_action("chat.suggestion")[0].hop()
  );
}

TEST_F(ExecuteToolTest, AsksForTheSameDecisionWhenAWriteIsExecutedAgain) {
  post(call_body("filesystem-write_file"), "x-sluice-chain", kChain);
  post(call_body("filesystem-write_file"), "x-sluice-chain", kChain);
  post(call_body("filesystem-write_file", "c2"), "x-sluice-chain", kChain);

  const auto& decides = fixture.policy.decides;
  ASSERT_EQ(decides.size(), 3U);
  EXPECT_EQ(decides[0].first.decision_id(), decides[1].first.decision_id());
  EXPECT_NE(decides[0].first.decision_id(), decides[2].first.decision_id());
}

TEST_F(ExecuteToolTest, AsksForAnotherDecisionEachTimeForReads) {
  post(call_body("filesystem-read_file"), "x-sluice-chain", kChain);
  post(call_body("filesystem-read_file"), "x-sluice-chain", kChain);

  EXPECT_NE(
      fixture.policy.decides[0].first.decision_id(), fixture.policy.decides[1].first.decision_id()
  );
}

TEST_F(ExecuteToolTest, TellsRuleAndReasonOfADenial) {
  fixture.policy.push_decision(
      decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE)
  );

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(code_of(response), "tool_denied");
  EXPECT_EQ(parsed(response).find("error")->text_or("rule", ""), "rule-1");
  EXPECT_EQ(parsed(response).find("error")->text_or("reason", ""), "because");
  EXPECT_EQ(response.headers.get("x-should-retry"), "false");
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(ExecuteToolTest, TellsWhenACallOverItsLimitMayComeAgain) {
  auto limited = decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE);
  limited.set_rule("limits.writes");
  limited.set_retry_after_ms(11'500);
  fixture.policy.push_decision(limited);

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(code_of(response), "rate_limit_exceeded");
  EXPECT_EQ(parsed(response).find("error")->text_or("type", ""), "rate_limit_error");
  EXPECT_EQ(parsed(response).find("error")->text_or("rule", ""), "limits.writes");
  EXPECT_EQ(parsed(response).find("error")->text_or("message", ""), "because");
  EXPECT_EQ(response.headers.get("retry-after"), "12");
  EXPECT_EQ(response.headers.get("retry-after-ms"), "11500");
  EXPECT_EQ(response.headers.get("x-should-retry"), "");
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(ExecuteToolTest, LetsPolicyRefuseAToolItHides) {
  fixture.policy.push_decision(
      decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE)
  );

  const auto response = post(call_body("filesystem-secret_file"));

  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(fixture.policy.decides.size(), 1U);
}

TEST_F(ExecuteToolTest, SaysByACodeWhyAnApprovalIsOfNoUse) {
  for (const char* why : {"denied", "expired", "void", "used", "unknown", "other_call"}) {
    auto refused = decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE);
    refused.set_rule("approval." + std::string(why));
    refused.set_reason("because");
    refused.set_approval_id("ap-1");
    fixture.policy.push_decision(refused);

    const auto response = post(call_body("filesystem-write_file"), "x-sluice-approval", "ap-1");

    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(code_of(response), "approval_" + std::string(why));
    EXPECT_EQ(parsed(response).find("error")->text_or("approval_id", ""), "ap-1");
  }
}

TEST_F(ExecuteToolTest, AnApprovalThatWasUsedIsAnsweredFromTheTrail) {
  auto used = decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE);
  used.set_rule("approval.used");
  used.set_grant_id("the first grant");
  fixture.policy.push_decision(used);
  fixture.policy.push_decision(used);

  const auto waiting = post(call_body("filesystem-write_file"), "x-sluice-approval", "ap-1");
  fixture.journal.reply.set_state(audit::v1::JournalReply::STATE_FINISHED);
  fixture.journal.reply.set_result(R"({"content":[{"type":"text","text":"written"}]})");
  const auto finished = post(call_body("filesystem-write_file"), "x-sluice-approval", "ap-1");

  EXPECT_EQ(code_of(waiting), "in_progress");
  EXPECT_EQ(finished.status, 200);
  EXPECT_EQ(finished.headers.get("x-sluice-replayed"), "true");
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(ExecuteToolTest, NamesTheApprovalThatIsNeededAndPassesItOn) {
  auto waiting = decision_of(policy::v1::VERDICT_APPROVE, "", policy::v1::EFFECT_CLASS_WRITE);
  waiting.set_approval_id("ap-1");
  fixture.policy.push_decision(waiting);

  const auto first = post(call_body("filesystem-write_file"));
  const auto second = post(call_body("filesystem-write_file"), "x-sluice-approval", "ap-1");

  EXPECT_EQ(first.status, 403);
  EXPECT_EQ(code_of(first), "approval_required");
  EXPECT_EQ(parsed(first).find("error")->text_or("approval_id", ""), "ap-1");
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(fixture.policy.decides[1].first.calls(0).approval_id(), "ap-1");
}

TEST_F(ExecuteToolTest, NamesToolsNearAnUnknownOne) {
  const auto response = post(call_body("read_file"));

  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("filesystem-read_file"), std::string::npos) << response.body;
  EXPECT_TRUE(fixture.policy.decides.empty());
  const auto records = fixture.audit.with_action("tool.execute");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].outcome(), audit::v1::OUTCOME_REFUSED);
}

TEST_F(ExecuteToolTest, RefusesWhatTheRequestsOwnHeadersLeaveOut) {
  const auto response =
      post(call_body("filesystem-write_file"), "x-sluice-include-tools", "filesystem-read_file");

  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(code_of(response), "tool_denied");
  EXPECT_TRUE(fixture.policy.decides.empty());
}

TEST_F(ExecuteToolTest, GivesAToolsErrorBackAsAMessage) {
  connector::v1::Final failed;
  failed.set_outcome(connector::v1::OUTCOME_DONE);
  failed.set_result(R"({"content":[{"type":"text","text":"no such file"}],"isError":true})");
  failed.set_is_error(true);
  fixture.servers.push(failed);
  connector::v1::Final refused;
  refused.set_outcome(connector::v1::OUTCOME_DONE);
  refused.set_error(R"({"code":-32602,"message":"bad arguments"})");
  fixture.servers.push(refused);

  const auto first = post(call_body("filesystem-read_file"));
  const auto second = post(call_body("filesystem-read_file"));

  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(parsed(first).find("is_error")->as_bool(), true);
  EXPECT_EQ(second.status, 200);
  EXPECT_NE(parsed(second).text_or("content", "").find("bad arguments"), std::string::npos);
}

TEST_F(ExecuteToolTest, AnswersAUsedGrantFromTheTrail) {
  connector_fails(Code::Conflict);
  journal_says(
      audit::v1::JournalReply::STATE_FINISHED,
      audit::v1::OUTCOME_DONE,
      R"({"content":[{"type":"text","text":"the first time"}]})"
  );

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("x-sluice-replayed"), "true");
  EXPECT_EQ(parsed(response).text_or("content", ""), "the first time");
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
  EXPECT_EQ(fixture.journal.requests.back().grant_id(), "grant-0123456789");
}

TEST_F(ExecuteToolTest, SaysWhenAUsedGrantIsStillUnderWay) {
  connector_fails(Code::Conflict);
  journal_says(audit::v1::JournalReply::STATE_IN_PROGRESS, audit::v1::OUTCOME_UNSPECIFIED, "");

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(code_of(response), "in_progress");
  EXPECT_FALSE(response.headers.has("x-should-retry"));
}

TEST_F(ExecuteToolTest, SaysWhenTheOutcomeIsUnknown) {
  for (const bool finished : {false, true}) {
    connector_fails(Code::Conflict);
    journal_says(
        finished ? audit::v1::JournalReply::STATE_FINISHED : audit::v1::JournalReply::STATE_UNKNOWN,
        audit::v1::OUTCOME_UNKNOWN,
        ""
    );

    const auto response = post(call_body("filesystem-write_file"));

    EXPECT_EQ(response.status, 409);
    EXPECT_EQ(parsed(response).find("error")->text_or("state", ""), "unknown");
    EXPECT_EQ(response.headers.get("x-should-retry"), "false");
  }
}

TEST_F(ExecuteToolTest, DecidesOnceMoreWhenPolicyChangedInBetween) {
  connector_fails(Code::Conflict);  // and the trail knows nothing of the grant

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 200);
  ASSERT_EQ(fixture.policy.decides.size(), 2U);
  EXPECT_EQ(
      fixture.policy.decides[0].first.decision_id(), fixture.policy.decides[1].first.decision_id()
  );
  EXPECT_EQ(fixture.servers.catalogs, 2) << "with a fresh catalog";
  EXPECT_GT(fixture.policy.decides[1].second.hop, fixture.servers.requests[0].second.hop);
}

TEST_F(ExecuteToolTest, DecidesOnceMoreWhenTheToolsDefinitionChangedInBetween) {
  post(call_body("filesystem-read_file"));
  auto outdated = decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE);
  outdated.set_rule("catalog.definition_changed");
  fixture.policy.push_decision(outdated);
  auto& tool = *fixture.servers.catalog_reply.mutable_servers(0)->mutable_tools(1);
  tool.set_definition_hash("a new hash");
  fixture.servers.catalog_reply.set_version("a new version");

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(fixture.policy.decides.back().first.calls(0).definition_hash(), "a new hash");
}

TEST_F(ExecuteToolTest, AToolOfAServerThatIsNotConnectedYetMayBeAskedForAgain) {
  auto& server = *fixture.servers.catalog_reply.add_servers();
  server.set_server_id("later");
  server.set_name("later");
  server.set_state(connector::v1::SERVER_STATE_CONNECTING);

  const auto awaited = post(call_body("later-look"));
  const auto unknown = post(call_body("never-look"));

  EXPECT_EQ(awaited.status, 503) << awaited.body;
  EXPECT_THAT(awaited.body, HasSubstr("\\\"later\\\" is not connected yet"));
  EXPECT_EQ(unknown.status, 404) << unknown.body;
}

TEST_F(ExecuteToolTest, DoesNotAskAgainWhenItsCatalogIsTheNewest) {
  auto outdated = decision_of(policy::v1::VERDICT_DENY, "", policy::v1::EFFECT_CLASS_WRITE);
  outdated.set_rule("catalog.unknown_tool");
  fixture.policy.push_decision(outdated);

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(fixture.policy.decides.size(), 1U);
}

TEST_F(ExecuteToolTest, AsksTheTrailWithAFreshTokenAfterALongCall) {
  connector_fails(Code::Unavailable);
  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 503);
  ASSERT_EQ(fixture.journal.requests.size(), 2U) << "once for the chain, once for the grant";
  EXPECT_EQ(fixture.journal.requests[1].grant_id(), "grant-0123456789");
}

TEST_F(ExecuteToolTest, DoesNotDecideForEver) {
  for (int i = 0; i < 5; ++i) {
    connector_fails(Code::Conflict);
  }

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(fixture.policy.decides.size(), 2U);
}

TEST_F(ExecuteToolTest, AsksTheTrailWhatBecameOfACallThatWasCutOff) {
  connector_fails(Code::Unavailable);
  journal_says(
      audit::v1::JournalReply::STATE_FINISHED,
      audit::v1::OUTCOME_DONE,
      R"({"content":[{"type":"text","text":"written"}]})"
  );
  EXPECT_EQ(post(call_body("filesystem-write_file")).status, 200);

  connector_fails(Code::Unavailable);
  journal_says(audit::v1::JournalReply::STATE_UNKNOWN, audit::v1::OUTCOME_UNSPECIFIED, "");
  EXPECT_EQ(code_of(post(call_body("filesystem-write_file"))), "outcome_unknown");

  connector_fails(Code::Unavailable);
  journal_says(audit::v1::JournalReply::STATE_UNSPECIFIED, audit::v1::OUTCOME_UNSPECIFIED, "");
  EXPECT_EQ(post(call_body("filesystem-write_file")).status, 503);
}

TEST_F(ExecuteToolTest, DoesNotAskTheTrailForReads) {
  fixture.policy.push_decision(
      decision_of(policy::v1::VERDICT_AUTO, "g", policy::v1::EFFECT_CLASS_READ)
  );
  connector_fails(Code::Deadline);

  const auto response = post(call_body("filesystem-read_file"), "x-sluice-chain", kChain);

  EXPECT_EQ(response.status, 504);
  EXPECT_TRUE(fixture.journal.requests.empty());
}

TEST_F(ExecuteToolTest, TellsWhatWasCertainlyNotCarriedOutFromWhatMayHaveBeen) {
  connector::v1::Final failed;
  failed.set_outcome(connector::v1::OUTCOME_FAILED);
  fixture.servers.push(failed);
  connector::v1::Final unknown;
  unknown.set_outcome(connector::v1::OUTCOME_UNKNOWN);
  fixture.servers.push(unknown);

  const auto first = post(call_body("filesystem-write_file"));
  const auto second = post(call_body("filesystem-write_file"));

  EXPECT_EQ(first.status, 503);
  EXPECT_EQ(code_of(first), "not_carried_out");
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(code_of(second), "outcome_unknown");
}

TEST_F(ExecuteToolTest, RefusesWhatPolicyCannotDecide) {
  fixture.policy.push_decision(Error(Code::Deadline, "policy-engine took too long"));

  const auto response = post(call_body("filesystem-write_file"));

  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(fixture.servers.requests.empty());
}

TEST_F(ExecuteToolTest, RefusesBadCalls) {
  for (const char* body :
       {"", "{}", R"({"function":{"name":7}})", R"({"function":{"name":"t","arguments":"[]"}})"}) {
    EXPECT_THAT(fixture.post_execute(IngressFixture::request(body)), HasCode(Code::Invalid))
        << body;
  }
  auto request = IngressFixture::request(call_body("t"));
  request.query = "format=xml";
  EXPECT_THAT(fixture.post_execute(std::move(request)), HasCode(Code::Invalid));
  EXPECT_THAT(
      fixture.post_execute(IngressFixture::request(call_body("t"), "")),
      HasCode(Code::Unauthenticated)
  );
}

// Whatever fails before the connector is asked: no request goes out; the answer is an error.
TEST(ExecuteTool, FailsCleanlyWhateverDependencyFails) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    IngressFixture fixture(&plan);

    const auto response =
        fixture.post_execute(IngressFixture::request(call_body("filesystem-write_file")));

    if (!plan.fired()) {
      ASSERT_THAT(response, IsOk());
      EXPECT_EQ(response.value().status, 200);
      return;
    }
    EXPECT_LE(fixture.servers.requests.size(), 1U);
    const bool recorded = !fixture.audit.with_action("tool.execute").empty();
    EXPECT_TRUE(recorded || fixture.policy.decides.empty()) << "no decision without a record";
    EXPECT_TRUE(response.ok() || !response.error().message().empty());
  });
  EXPECT_GE(faults, 8);
}

}  // namespace
}  // namespace sluice::ingress
