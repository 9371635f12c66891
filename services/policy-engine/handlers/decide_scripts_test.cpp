#include "services/policy-engine/handlers/decide.h"
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/grant/grant.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr auto kCode = policy::v1::MODE_CODE;
constexpr auto kAgentCode = policy::v1::MODE_AGENT_CODE;
constexpr const char* kRun = "run_0123456789abcdef0123456789abcdef";
constexpr const char* kOtherRun = "run_0123456789abcdef0123456789abcde0";
constexpr const char* kScripts =
    R"("tools_to_execute": ["*"], "is_code_mode_client": true, "effect_classes": {"read_file": "read"})";

class DecideScripts : public ::testing::Test {
 protected:
  explicit DecideScripts(const char* preset = "safe")
      : fixture(PolicyFixture::settings_with(preset, kScripts)) {}

  // A script that can read and write.
  [[nodiscard]] policy::v1::DecideRequest script(policy::v1::Mode mode = kCode) const {
    auto calls = fixture.request_for("read_file", mode);
    fixture.add_call(&calls, "write_file");
    policy::v1::DecideRequest request;
    request.set_mode(mode);
    request.set_decision_unix_ms(fixture.clock.unix_ms());
    request.mutable_script()->set_run_id(kRun);
    request.mutable_script()->set_source_digest(std::string(kSourceDigestBytes, 's'));
    request.mutable_script()->set_life_ms(120'000);
    for (auto& call : *calls.mutable_calls()) {
      policy::v1::ToolCall* const tool = request.mutable_script()->add_calls();
      *tool = call;
      tool->clear_arguments();
      tool->clear_tool_call_id();
    }
    return request;
  }

  Result<policy::v1::DecideReply> send(policy::v1::DecideRequest request, RequestContext context) {
    return fixture.run((*fixture.decide)(std::move(request), std::move(context)));
  }

  Result<policy::v1::DecideReply> send(policy::v1::DecideRequest request) {
    return send(std::move(request), fixture.context_of("alice"));
  }

  // The context of a request of the run, with its token.
  RequestContext context_of_run(const char* run = kRun) {
    const auto reply = send(script());
    SLUICE_CHECK(reply.ok(), "the script is decided");
    RequestContext context = fixture.context_without_token();
    context.caller_token = reply.value().script().run_token();
    context.run = RunId(run);
    return context;
  }

  PolicyFixture fixture;
};

TEST_F(DecideScripts, EachToolOfTheSetIsDecidedWithoutGrantsAndApprovals) {
  const auto reply = send(script());

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions_size(), 0);
  EXPECT_EQ(reply.value().policy_version(), 1U);
  const auto& decided = reply.value().script();
  ASSERT_EQ(decided.decisions_size(), 2);
  EXPECT_EQ(decided.decisions(0).verdict(), policy::v1::VERDICT_AUTO);
  EXPECT_EQ(decided.decisions(0).effect_class(), policy::v1::EFFECT_CLASS_READ);
  EXPECT_EQ(decided.decisions(1).verdict(), policy::v1::VERDICT_APPROVE);
  EXPECT_EQ(decided.decisions(1).rule(), "preset.safe");
  for (const auto& decision : decided.decisions()) {
    EXPECT_EQ(decision.grant(), "");
    EXPECT_EQ(decision.approval_id(), "");
  }
  EXPECT_EQ(fixture.audit.with_action("policy.decision").size(), 0U);
}

TEST_F(DecideScripts, TheRunTokenSaysWhoseRunItIsAndHowLong) {
  const auto reply = send(script());

  ASSERT_THAT(reply, IsOk());
  const auto claims = grant::verify_run_or_caller_token(
      fixture.token_ring,
      reply.value().script().run_token(),
      fixture.clock.unix_ms() + 120'000,
      kRun
  );
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims.value().principal(), "key:alice");
  EXPECT_EQ(claims.value().tenant(), "default");
  EXPECT_EQ(claims.value().key_id(), "alice");
  EXPECT_EQ(claims.value().run_id(), kRun);
  EXPECT_EQ(claims.value().source_digest(), std::string(kSourceDigestBytes, 's'));
  EXPECT_EQ(claims.value().not_after_unix_ms(), fixture.clock.unix_ms() + 120'000);
}

TEST_F(DecideScripts, TheTrailHasTheStrictestVerdictAndTheTools) {
  ASSERT_THAT(send(script()), IsOk());

  const auto records = fixture.audit.with_action("policy.script");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].decision(), "approve");
  EXPECT_EQ(records[0].rule(), "preset.safe");
  EXPECT_EQ(records[0].run_id(), kRun);
  EXPECT_EQ(records[0].principal(), "key:alice");
  EXPECT_EQ(records[0].args_digest(), std::string(kSourceDigestBytes, 's'));
  EXPECT_EQ(records[0].detail(), "2 tools: files-read_file auto, files-write_file approve");
  EXPECT_EQ(records[0].outcome(), audit::v1::OUTCOME_UNSPECIFIED);
}

TEST_F(DecideScripts, AChangedDefinitionAndAnUnknownToolAreDenied) {
  auto request = script();
  request.mutable_script()->mutable_calls(0)->set_definition_hash(std::string(32, 'x'));
  request.mutable_script()->mutable_calls(1)->set_tool("sudo");

  const auto reply = send(std::move(request));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().script().decisions(0).rule(), "catalog.definition_changed");
  EXPECT_EQ(reply.value().script().decisions(1).rule(), "catalog.unknown_tool");
  EXPECT_EQ(fixture.audit.with_action("policy.script").at(0).outcome(), audit::v1::OUTCOME_REFUSED);
}

TEST_F(DecideScripts, AScriptWithoutToolsAndOneWithTheMostAreDecided) {
  auto none = script();
  none.mutable_script()->clear_calls();
  auto most = script();
  while (most.script().calls_size() < kScriptCallsMax) {
    *most.mutable_script()->add_calls() = most.script().calls(0);
  }

  const auto empty = send(none);
  const auto full = send(most);

  ASSERT_THAT(empty, IsOk());
  EXPECT_NE(empty.value().script().run_token(), "");
  EXPECT_EQ(fixture.audit.with_action("policy.script").at(0).decision(), "auto");
  ASSERT_THAT(full, IsOk());
  EXPECT_EQ(full.value().script().decisions_size(), kScriptCallsMax);
  EXPECT_LE(
      fixture.audit.with_action("policy.script").at(1).detail().size(), kScriptDetailBytesMax + 8
  );
}

TEST_F(DecideScripts, WhatIsNoScriptIsInvalid) {
  std::vector<policy::v1::DecideRequest> wrong(14, script());
  wrong[0].mutable_script()->set_run_id("run_1");
  wrong[1].mutable_script()->set_run_id("ran_0123456789abcdef0123456789abcdef");
  wrong[2].mutable_script()->set_run_id("run_0123456789ABCDEF0123456789abcdef");
  wrong[3].mutable_script()->set_source_digest("short");
  wrong[4].mutable_script()->set_life_ms(0);
  wrong[5].mutable_script()->set_life_ms(600'001);
  wrong[6].set_mode(policy::v1::MODE_AGENT);
  wrong[7].mutable_script()->mutable_calls(0)->set_arguments("{}");
  wrong[8].mutable_script()->mutable_calls(0)->clear_tool();
  wrong[9].mutable_script()->mutable_calls(0)->set_method("resources/read");
  wrong[10].mutable_script()->mutable_calls(0)->set_at_least(static_cast<policy::v1::Verdict>(9));
  wrong[11].set_decision_unix_ms(fixture.clock.unix_ms() - kDecisionAgeMsMax - 1);
  *wrong[12].add_calls() = wrong[12].script().calls(0);
  while (wrong[13].script().calls_size() <= kScriptCallsMax) {
    *wrong[13].mutable_script()->add_calls() = wrong[13].script().calls(0);
  }

  for (std::size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_THAT(send(wrong[i]), HasCode(Code::Invalid)) << i;
  }
  RequestContext context = fixture.context_of("alice");
  context.run = RunId(kOtherRun);
  EXPECT_THAT(send(script(), context), HasCode(Code::Invalid));
  EXPECT_EQ(fixture.audit.with_action("policy.script").size(), 0U);
}

TEST_F(DecideScripts, ARunTokenDecidesTheCallsOfItsRun) {
  const auto reply = send(fixture.request_for("read_file", kCode), context_of_run());

  ASSERT_THAT(reply, IsOk());
  const auto grant = grant::verify_grant(
      fixture.grant_ring, reply.value().decisions(0).grant(), fixture.clock.unix_ms()
  );
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant.value().run_id(), kRun);
  EXPECT_EQ(grant.value().principal(), "key:alice");
}

TEST_F(DecideScripts, ARunTokenOutlivesTheCallerTokenButNotItsRun) {
  const RequestContext context = context_of_run();
  fixture.clock.advance(std::chrono::seconds(119));
  EXPECT_THAT(send(fixture.request_for("read_file", kCode), context), IsOk());

  fixture.clock.advance(std::chrono::seconds(2));

  EXPECT_THAT(
      send(fixture.request_for("read_file", kCode), context), HasCode(Code::Unauthenticated)
  );
}

TEST_F(DecideScripts, ARunTokenIsRefusedForOtherRunsAndOtherQuestions) {
  const RequestContext own = context_of_run();
  EXPECT_THAT(
      send(fixture.request_for("read_file", kCode), context_of_run(kOtherRun)),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      send(fixture.request_for("read_file", kCode), context_of_run("")),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      send(fixture.request_for("read_file", policy::v1::MODE_MANUAL), own), HasCode(Code::Denied)
  );
  EXPECT_THAT(send(script(), own), HasCode(Code::Unauthenticated));
  EXPECT_THAT(
      fixture.run((*fixture.approvals_list)(policy::v1::ListApprovalsRequest(), own)),
      HasCode(Code::Unauthenticated)
  );
  policy::v1::ManageRequest get_policy;
  get_policy.mutable_get_policy();
  EXPECT_THAT(fixture.run((*fixture.manage)(get_policy, own)), HasCode(Code::Unauthenticated));
}

TEST_F(DecideScripts, ARunTokenListsWhatItsCallerSees) {
  const auto reply =
      fixture.run((*fixture.visible)(policy::v1::VisibleRequest(), context_of_run()));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().tools_size(), 3);
  EXPECT_THAT(
      fixture.run((*fixture.visible)(policy::v1::VisibleRequest(), context_of_run(kOtherRun))),
      HasCode(Code::Unauthenticated)
  );
}

TEST_F(DecideScripts, AKeyThatIsGoneEndsItsRunsCalls) {
  const RequestContext context = context_of_run();
  std::string without_alice = PolicyFixture::settings_with("safe", kScripts);
  const std::string alice = key_entry("alice") + ", ";
  without_alice.erase(without_alice.find(alice), alice.size());

  ASSERT_THAT(fixture.run(fixture.binding.claim(policy_of(without_alice))), IsOk());

  EXPECT_THAT(
      send(fixture.request_for("read_file", kCode), context), HasCode(Code::Unauthenticated)
  );
}

TEST_F(DecideScripts, AKeyThatIsNarrowedNarrowsItsRunsCalls) {
  const RequestContext context = context_of_run();
  std::string narrowed = PolicyFixture::settings_with("safe", kScripts);
  const std::string alice = key_entry("alice");
  narrowed.replace(
      narrowed.find(alice), alice.size(), key_entry("alice", R"(, "tools": ["files-write_file"])")
  );
  ASSERT_THAT(fixture.run(fixture.binding.claim(policy_of(narrowed))), IsOk());

  const auto reply = send(fixture.request_for("read_file", kCode), context);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).rule(), "key.alice.filter");
  EXPECT_EQ(reply.value().decisions(0).grant(), "");
}

TEST_F(DecideScripts, ARunTokenEndsWithTheCredentialBehindIt) {
  policy::v1::CallerClaims claims;
  const auto whole = fixture.context_of("alice");
  claims =
      grant::verify_token(fixture.token_ring, whole.caller_token, fixture.clock.unix_ms()).value();
  claims.set_not_after_unix_ms(fixture.clock.unix_ms() + 5'000);  // as of a JWT that ends then
  RequestContext context = whole;
  context.caller_token = grant::sign_token(fixture.token_key, claims);

  const auto reply = send(script(), context);

  ASSERT_THAT(reply, IsOk());
  const std::string& token = reply.value().script().run_token();
  const auto now = fixture.clock.unix_ms();
  EXPECT_THAT(
      grant::verify_run_or_caller_token(fixture.token_ring, token, now + 5'000, kRun), IsOk()
  );
  EXPECT_THAT(
      grant::verify_run_or_caller_token(fixture.token_ring, token, now + 5'001, kRun),
      HasCode(Code::Unauthenticated)
  );
}

TEST_F(DecideScripts, AnUnattendedScriptGetsGrantsForAutomaticToolsOnly) {
  auto request = fixture.request_for("read_file", kAgentCode);
  fixture.add_call(&request, "write_file");

  const auto reply = send(std::move(request));

  ASSERT_THAT(reply, IsOk());
  EXPECT_NE(reply.value().decisions(0).grant(), "");
  EXPECT_EQ(reply.value().decisions(1).verdict(), policy::v1::VERDICT_APPROVE);
  EXPECT_EQ(reply.value().decisions(1).grant(), "");
}

TEST_F(DecideScripts, AnUnattendedCallThatWasApprovedGetsItsGrant) {
  const auto request = fixture.request_for("write_file", kAgentCode);
  const auto first = send(request);
  ASSERT_THAT(first, IsOk());
  policy::v1::AnswerApprovalRequest yes;
  yes.set_id(first.value().decisions(0).approval_id());
  yes.set_approve(true);
  ASSERT_THAT(fixture.run((*fixture.approvals_answer)(yes, fixture.context_of("carol"))), IsOk());

  const auto again = send(request);

  ASSERT_THAT(again, IsOk());
  EXPECT_NE(again.value().decisions(0).grant(), "");
}

// --- at_least -----------------------------------------------------------------------------------

class AtLeast : public DecideScripts {
 protected:
  AtLeast() : DecideScripts("open") {}

  policy::v1::Decision decide(policy::v1::Verdict at_least, policy::v1::Mode mode = kCode) {
    auto request = fixture.request_for("read_file", mode);
    request.mutable_calls(0)->set_at_least(at_least);
    const auto reply = send(std::move(request));
    SLUICE_CHECK(reply.ok(), "the call is decided");
    return reply.value().decisions(0);
  }
};

TEST_F(AtLeast, ChangesNothingWhereItIsNotStricter) {
  for (const auto verdict : {policy::v1::VERDICT_UNSPECIFIED, policy::v1::VERDICT_AUTO}) {
    const auto decision = decide(verdict);

    EXPECT_EQ(decision.verdict(), policy::v1::VERDICT_AUTO);
    EXPECT_EQ(decision.rule(), "preset.open");
    EXPECT_NE(decision.grant(), "");
  }
}

TEST_F(AtLeast, AStricterOneIsTheVerdict) {
  const auto manual = decide(policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(manual.verdict(), policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(manual.rule(), "caller.at_least");
  EXPECT_NE(manual.reason(), "");
  EXPECT_NE(manual.grant(), "");  // the explicit execution of the script suffices
  EXPECT_EQ(decide(policy::v1::VERDICT_MANUAL, kAgentCode).grant(), "");

  const auto asked = decide(policy::v1::VERDICT_APPROVE);
  EXPECT_EQ(asked.verdict(), policy::v1::VERDICT_APPROVE);
  EXPECT_EQ(asked.grant(), "");
  EXPECT_NE(asked.approval_id(), "");

  const auto denied = decide(policy::v1::VERDICT_DENY);
  EXPECT_EQ(denied.verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(denied.grant(), "");
}

TEST_F(AtLeast, NeverMakesAVerdictLaxer) {
  auto request = fixture.request_for("read_file", kCode);
  request.mutable_calls(0)->set_definition_hash(std::string(32, 'x'));
  request.mutable_calls(0)->set_at_least(policy::v1::VERDICT_MANUAL);

  const auto reply = send(std::move(request));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(reply.value().decisions(0).rule(), "catalog.definition_changed");
}

TEST_F(AtLeast, AReadWithoutApprovalsIsDeniedInstead) {
  auto request = fixture.read_request("resources/read", policy::v1::MODE_MANUAL);
  request.mutable_calls(0)->set_at_least(policy::v1::VERDICT_APPROVE);

  const auto reply = send(std::move(request));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_DENY);
}

TEST_F(AtLeast, WhatIsNoVerdictIsInvalid) {
  auto request = fixture.request_for("read_file", kCode);
  request.mutable_calls(0)->set_at_least(static_cast<policy::v1::Verdict>(6));

  EXPECT_THAT(send(std::move(request)), HasCode(Code::Invalid));
}

TEST_F(AtLeast, HoldsForTheToolsOfAScriptToo) {
  auto request = script();
  request.mutable_script()->mutable_calls(0)->set_at_least(policy::v1::VERDICT_APPROVE);

  const auto reply = send(std::move(request));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().script().decisions(0).rule(), "caller.at_least");
  EXPECT_EQ(reply.value().script().decisions(1).verdict(), policy::v1::VERDICT_AUTO);
}

}  // namespace
}  // namespace sluice::policy_engine
