#include "services/policy-engine/domain/approval.h"

#include "services/policy-engine/limits.h"

#include "common/crypto/sha256.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::policy_engine {
namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::int64_t kHour = 3'600'000;

policy::v1::ToolCall call() {
  policy::v1::ToolCall call;
  call.set_server_id("0123456789abcdef");
  call.set_server("files");
  call.set_tool("write_file");
  call.set_definition_hash("definition");
  call.set_arguments(R"({"password":"hunter2","path":"/a"})");
  call.set_tool_call_id("call_1");
  return call;
}

struct Asking {
  Asking() {
    loaded.version = 3;
    caller.policy = std::make_shared<const LoadedPolicy>(loaded);
    caller.claims.set_tenant("default");
    caller.claims.set_principal("key:alice");
    caller.claims.set_key_id("alice");
    decision.set_verdict(policy::v1::VERDICT_APPROVE);
    decision.set_rule("preset.safe");
    decision.set_effect_class(policy::v1::EFFECT_CLASS_WRITE);
    context.chain = ChainId("00112233445566778899aabbccddeeff");
    context.hop = 7;
  }

  [[nodiscard]] StoredApproval approval() const {
    return new_approval({&caller, &context, &asked, &decision, policy::v1::MODE_MANUAL, 1}, kNow);
  }

  LoadedPolicy loaded;
  VerifiedCaller caller;
  RequestContext context;
  policy::v1::ToolCall asked = call();
  policy::v1::Decision decision;
};

Answer by(std::string principal, bool approve, std::int64_t after_ms = 1'000) {
  return {
      .tenant = "default",
      .principal = std::move(principal),
      .key_id = "k",
      .approve = approve,
      .reason = "because",
      .now_unix_ms = kNow + after_ms,
      .rules = {},
  };
}

ApprovalUse use_by(const Asking& asking, std::int64_t after_ms = 2'000) {
  ApprovalUse use;
  use.tenant = "default";
  use.principal = "key:alice";
  use.call = asking.asked;
  use.args_digest = crypto::sha256(asking.asked.arguments());
  use.decision = asking.decision;
  use.grant_id = std::string(16, 'g');
  use.grant_not_after_unix_ms = kNow + after_ms + 30'000;
  use.now_unix_ms = kNow + after_ms;
  return use;
}

StoredApproval approved(const Asking& asking) {
  StoredApproval stored = asking.approval();
  static_cast<void>(answer_approval(&stored, by("key:carol", true)));
  return stored;
}

TEST(NewApproval, HoldsTheWholeCallWithSecretsMasked) {
  const Asking asking;

  const policy::v1::Approval approval = asking.approval().approval;

  EXPECT_EQ(approval.id().size(), 30U);
  EXPECT_TRUE(approval.id().starts_with("apr_"));
  EXPECT_NE(approval.id(), asking.approval().approval.id());
  EXPECT_EQ(approval.state(), policy::v1::APPROVAL_STATE_PENDING);
  EXPECT_EQ(approval.principal(), "key:alice");
  EXPECT_EQ(approval.arguments(), R"({"password":"***","path":"/a"})");
  EXPECT_EQ(approval.args_digest(), crypto::sha256(asking.asked.arguments()));
  EXPECT_EQ(approval.required(), policy::v1::VERDICT_APPROVE);
  EXPECT_EQ(approval.policy_version(), 3U);
  EXPECT_EQ(approval.expires_unix_ms(), kNow + kHour);
  EXPECT_EQ(asking.approval().hop, 8U);
}

TEST(CallKey, IsEqualForRetriesOfTheSameCallOnly) {
  const Asking asking;
  const std::string key = call_key_of(asking.approval().approval);
  std::set<std::string> keys{key};
  EXPECT_EQ(key, call_key_of(asking.approval().approval));

  for (const char* member : {"principal", "tool", "arguments", "definition", "call id", "path"}) {
    Asking other;
    const std::string_view name = member;
    if (name == "principal") {
      other.caller.claims.set_principal("key:bob");
    } else if (name == "tool") {
      other.asked.set_tool("delete_file");
    } else if (name == "arguments") {
      other.asked.set_arguments("{}");
    } else if (name == "definition") {
      other.asked.set_definition_hash("other");
    } else if (name == "call id") {
      other.asked.set_tool_call_id("call_2");
    } else {
      other.asked.set_call_path("1:2#3");
    }
    EXPECT_TRUE(keys.insert(call_key_of(other.approval().approval)).second) << member;
  }

  Asking anonymous;
  anonymous.asked.clear_tool_call_id();
  EXPECT_EQ(call_key_of(anonymous.approval().approval), "");
}

TEST(AnswerApproval, OnePersonApprovesOrDenies) {
  const Asking asking;
  StoredApproval yes = asking.approval();
  StoredApproval no = asking.approval();

  const Answered approval = answer_approval(&yes, by("key:carol", true));
  const Answered denial = answer_approval(&no, by("key:carol", false));

  EXPECT_FALSE(approval.refused);
  EXPECT_EQ(yes.approval.state(), policy::v1::APPROVAL_STATE_APPROVED);
  ASSERT_EQ(approval.records.size(), 1U);
  EXPECT_EQ(approval.records[0].action(), "approval.answered");
  EXPECT_EQ(approval.records[0].principal(), "key:carol");
  EXPECT_EQ(approval.records[0].approval_id(), yes.approval.id());
  EXPECT_EQ(no.approval.state(), policy::v1::APPROVAL_STATE_DENIED);
  EXPECT_EQ(no.approval.end_reason(), "denied by key:carol: because");
  EXPECT_EQ(denial.records[0].detail(), "deny for key:alice: denied");
}

TEST(AnswerApproval, TwoNeedsTwoPeople) {
  Asking asking;
  asking.decision.set_verdict(policy::v1::VERDICT_APPROVE_TWICE);
  StoredApproval stored = asking.approval();

  static_cast<void>(answer_approval(&stored, by("key:carol", true)));
  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_PENDING);
  const Answered again = answer_approval(&stored, by("key:carol", true, 60'000));
  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_PENDING);
  EXPECT_TRUE(again.records.empty());
  EXPECT_FALSE(again.refused);
  static_cast<void>(answer_approval(&stored, by("key:dave", true)));

  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_APPROVED);
  EXPECT_EQ(stored.approval.answers_size(), 2);
}

TEST(AnswerApproval, TwiceByOnePersonCountsARepeatOnlyAfterAWhile) {
  Asking asking;
  asking.decision.set_verdict(policy::v1::VERDICT_APPROVE_TWICE);
  StoredApproval stored = asking.approval();
  Answer first = by("key:carol", true);
  first.rules.twice_by_one_person = true;
  Answer repeated = first;
  repeated.now_unix_ms += kSecondAnswerAfterMs - 1;
  Answer second = first;
  second.now_unix_ms += kSecondAnswerAfterMs;

  static_cast<void>(answer_approval(&stored, first));
  static_cast<void>(answer_approval(&stored, repeated));
  EXPECT_EQ(stored.approval.answers_size(), 1);
  static_cast<void>(answer_approval(&stored, second));

  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_APPROVED);
}

TEST(AnswerApproval, RefusesTheRequesterAnotherTenantAndLateAnswers) {
  const Asking asking;
  StoredApproval own = asking.approval();
  EXPECT_EQ(answer_approval(&own, by("key:alice", true)).refused->code(), Code::Denied);
  Answer allowed = by("key:alice", true);
  allowed.rules.approver_may_be_requester = true;
  EXPECT_FALSE(answer_approval(&own, allowed).refused);
  EXPECT_EQ(own.approval.state(), policy::v1::APPROVAL_STATE_APPROVED);

  StoredApproval stored = asking.approval();
  Answer foreign = by("key:carol", true);
  foreign.tenant = "other";
  EXPECT_EQ(answer_approval(&stored, foreign).refused->code(), Code::NotFound);
  const Answered late = answer_approval(&stored, by("key:carol", true, kHour));
  EXPECT_EQ(late.refused->code(), Code::Conflict);
  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_EXPIRED);
  EXPECT_EQ(late.records[0].action(), "approval.expired");

  StoredApproval denied = asking.approval();
  static_cast<void>(answer_approval(&denied, by("key:carol", false)));
  EXPECT_EQ(answer_approval(&denied, by("key:dave", true)).refused->code(), Code::Conflict);
  EXPECT_FALSE(answer_approval(&denied, by("key:carol", false, 2'000)).refused);
}

TEST(UseApproval, GrantsOnceWhatWasApproved) {
  const Asking asking;
  StoredApproval pending = asking.approval();
  StoredApproval stored = approved(asking);

  EXPECT_EQ(use_approval(&pending, use_by(asking)).end, UseEnd::Wait);
  const Used first = use_approval(&stored, use_by(asking));
  EXPECT_EQ(first.end, UseEnd::Grant);
  ASSERT_EQ(first.records.size(), 1U);
  EXPECT_EQ(first.records[0].action(), "approval.granted");
  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_GRANTED);

  const Used same_decision = use_approval(&stored, use_by(asking, 3'000));
  EXPECT_EQ(same_decision.end, UseEnd::Grant);
  EXPECT_TRUE(same_decision.records.empty());
  EXPECT_EQ(stored.grant_not_after_unix_ms, kNow + 33'000);
}

TEST(UseApproval, AnotherDecisionWaitsForTheFirstGrantAndThenNeedsItVoid) {
  const Asking asking;
  StoredApproval stored = approved(asking);
  static_cast<void>(use_approval(&stored, use_by(asking)));
  ApprovalUse other = use_by(asking, 2'000 + 30'000 + kGrantSettleMs - 1);
  other.grant_id = std::string(16, 'h');

  const Used early = use_approval(&stored, other);
  EXPECT_EQ(early.end, UseEnd::Earlier);
  EXPECT_EQ(early.earlier_grant_id, std::string(16, 'g'));
  ++other.now_unix_ms;
  EXPECT_EQ(use_approval(&stored, other).end, UseEnd::Outlived);
  other.voided_grant_id = std::string(16, 'g');
  EXPECT_EQ(use_approval(&stored, other).end, UseEnd::Grant);
  EXPECT_EQ(stored.approval.grant_id(), std::string(16, 'h'));

  other.grant_id = std::string(16, 'i');  // somebody else was told the same of the first grant
  EXPECT_EQ(use_approval(&stored, other).end, UseEnd::Earlier);
  EXPECT_EQ(stored.approval.grant_id(), std::string(16, 'h'));
}

TEST(UseApproval, AnApprovalWhoseGrantWentUnusedExpires) {
  const Asking asking;
  StoredApproval stored = approved(asking);
  static_cast<void>(use_approval(&stored, use_by(asking)));
  ApprovalUse late = use_by(asking, kHour);

  EXPECT_EQ(use_approval(&stored, late).end, UseEnd::Outlived);
  late.voided_grant_id = late.grant_id;
  const Used used = use_approval(&stored, late);

  EXPECT_EQ(used.end, UseEnd::Refuse);
  EXPECT_EQ(used.rule, "approval.expired");
  EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_EXPIRED);
}

TEST(UseApproval, OfAReadIsOnce) {
  Asking asking;
  asking.decision.set_effect_class(policy::v1::EFFECT_CLASS_READ);
  StoredApproval stored = approved(asking);
  static_cast<void>(use_approval(&stored, use_by(asking)));
  ApprovalUse other = use_by(asking, 60'000);
  other.grant_id = std::string(16, 'h');

  const Used used = use_approval(&stored, other);

  EXPECT_EQ(used.end, UseEnd::Refuse);
  EXPECT_EQ(used.rule, "approval.used");
}

TEST(UseApproval, IsForTheSameCallOfTheSameCallerOnly) {
  const Asking asking;
  const StoredApproval given = approved(asking);
  const auto rule_of = [&given](const ApprovalUse& use) {
    StoredApproval stored = given;
    const Used used = use_approval(&stored, use);
    EXPECT_EQ(used.end, UseEnd::Refuse);
    EXPECT_TRUE(used.earlier_grant_id.empty());
    EXPECT_FALSE(is_changed(given, stored)) << used.rule;
    return used.rule;
  };

  ApprovalUse tenant = use_by(asking);
  tenant.tenant = "other";
  EXPECT_EQ(rule_of(tenant), "approval.unknown");
  ApprovalUse principal = use_by(asking);
  principal.principal = "key:bob";
  EXPECT_EQ(rule_of(principal), "approval.unknown");
  ApprovalUse tool = use_by(asking);
  tool.call.set_tool("delete_file");
  EXPECT_EQ(rule_of(tool), "approval.other_call");
  ApprovalUse server = use_by(asking);
  server.call.set_server("other");
  EXPECT_EQ(rule_of(server), "approval.other_call");
  ApprovalUse arguments = use_by(asking);
  arguments.args_digest = crypto::sha256("{}");
  EXPECT_EQ(rule_of(arguments), "approval.other_call");
  ApprovalUse catalog = use_by(asking);
  catalog.decision.set_verdict(policy::v1::VERDICT_DENY);
  catalog.decision.set_rule("catalog.unknown_tool");
  EXPECT_EQ(rule_of(catalog), "catalog.unknown_tool");
}

TEST(UseApproval, IsVoidWhereTheCallIsAnotherOrPolicyIsStricterNow) {
  const Asking asking;
  ApprovalUse route = use_by(asking);
  route.call.set_server_id("fedcba9876543210");
  ApprovalUse way = use_by(asking);
  way.route = "another way";
  ApprovalUse definition = use_by(asking);
  definition.call.set_definition_hash("changed");
  ApprovalUse twice = use_by(asking);
  twice.decision.set_verdict(policy::v1::VERDICT_APPROVE_TWICE);
  ApprovalUse denied = use_by(asking);
  denied.decision.set_verdict(policy::v1::VERDICT_DENY);

  for (const ApprovalUse& use : {route, way, definition, twice, denied}) {
    StoredApproval stored = approved(asking);
    stored.route = "the way then";
    const Used used = use_approval(&stored, use);
    EXPECT_EQ(used.end, UseEnd::Refuse);
    EXPECT_EQ(used.rule, "approval.void");
    EXPECT_FALSE(used.reason.empty());
    EXPECT_EQ(stored.approval.state(), policy::v1::APPROVAL_STATE_VOID);
    EXPECT_EQ(stored.approval.end_reason(), used.reason);
    EXPECT_EQ(used.records.at(0).action(), "approval.void");
    EXPECT_EQ(use_approval(&stored, use_by(asking)).rule, "approval.void");
  }

  StoredApproval stored = approved(asking);
  ApprovalUse milder = use_by(asking);
  milder.decision.set_verdict(policy::v1::VERDICT_AUTO);
  EXPECT_EQ(use_approval(&stored, milder).end, UseEnd::Grant);
}

TEST(ExpireApproval, EndsWhatIsOpenAndNothingElse) {
  const Asking asking;
  StoredApproval pending = asking.approval();
  StoredApproval given = approved(asking);
  StoredApproval granted = approved(asking);
  static_cast<void>(use_approval(&granted, use_by(asking)));

  EXPECT_TRUE(expire_approval(&pending, kNow + kHour - 1).empty());
  EXPECT_EQ(expire_approval(&pending, kNow + kHour).size(), 1U);
  EXPECT_EQ(expire_approval(&given, kNow + kHour).size(), 1U);
  EXPECT_TRUE(expire_approval(&granted, kNow + kHour).empty());
  EXPECT_TRUE(expire_approval(&pending, kNow + kHour).empty());
}

}  // namespace
}  // namespace sluice::policy_engine
