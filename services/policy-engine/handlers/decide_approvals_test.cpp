// Decisions on calls that need approvals, and on calls that come with one.
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/grant/grant.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr auto kManual = policy::v1::MODE_MANUAL;

std::string safe() {
  return PolicyFixture::settings_with("safe", R"("tools_to_execute": ["*"])");
}

// One caller's way through an approval.
struct Way {
  explicit Way(testing::FaultPlan* faults = nullptr, const std::string& settings = safe())
      : fixture(settings, faults) {}

  policy::v1::Decision decide(
      std::string_view tool = "write_file",
      std::string approval_id = "",
      std::string decision_id = "0123456789abcdef",
      policy::v1::Mode mode = kManual
  ) {
    auto request = fixture.request_for(tool, mode);
    request.set_decision_id(decision_id);
    request.mutable_calls(0)->set_approval_id(approval_id);
    const auto reply = fixture.run((*fixture.decide)(request, fixture.context_of("alice")));
    EXPECT_THAT(reply, IsOk());
    return reply.ok() ? reply.value().decisions(0) : policy::v1::Decision();
  }

  Result<policy::v1::AnswerApprovalReply> answer(
      std::string_view key, const std::string& id, bool approve = true
  ) {
    policy::v1::AnswerApprovalRequest request;
    request.set_id(id);
    request.set_approve(approve);
    request.set_reason("it is fine");
    return fixture.run((*fixture.approvals_answer)(request, fixture.context_of(key)));
  }

  std::string approved() {
    const std::string id = decide().approval_id();
    EXPECT_THAT(answer("carol", id), IsOk());
    return id;
  }

  PolicyFixture fixture;
};

TEST(DecideApprovals, ACallThatNeedsOneGetsItsIdAndARetryTheSame) {
  Way way;

  const auto write = way.decide();
  const auto retry = way.decide();
  const auto deletion = way.decide("delete_file");

  EXPECT_EQ(write.verdict(), policy::v1::VERDICT_APPROVE);
  EXPECT_EQ(write.grant(), "");
  EXPECT_TRUE(write.approval_id().starts_with("apr_"));
  EXPECT_EQ(retry.approval_id(), write.approval_id());
  EXPECT_EQ(deletion.verdict(), policy::v1::VERDICT_APPROVE_TWICE);
  EXPECT_NE(deletion.approval_id(), write.approval_id());
  EXPECT_EQ(way.fixture.approvals.approvals.size(), 2U);
  EXPECT_EQ(
      way.fixture.approvals.actions(),
      (std::vector<std::string>{"approval.created", "approval.created"})
  );
  EXPECT_EQ(way.fixture.approval_events.events.size(), 2U);
  EXPECT_EQ(way.fixture.audit.records().at(0).approval_id(), write.approval_id());
}

TEST(DecideApprovals, AnApprovedCallGetsOneGrantThatNamesItsApproval) {
  Way way;
  const std::string id = way.decide().approval_id();
  EXPECT_EQ(way.decide("write_file", id).grant(), "");
  EXPECT_EQ(way.decide("write_file", id).verdict(), policy::v1::VERDICT_APPROVE);
  ASSERT_THAT(way.answer("carol", id), IsOk());

  const auto granted = way.decide("write_file", id);
  const auto repeated = way.decide("write_file", id);
  const auto other = way.decide("write_file", id, "fedcba9876543210");

  const auto grant =
      grant::verify_grant(way.fixture.grant_ring, granted.grant(), way.fixture.clock.unix_ms());
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant.value().approval_id(), id);
  EXPECT_EQ(repeated.grant_id(), granted.grant_id());
  EXPECT_EQ(repeated.grant(), granted.grant());
  EXPECT_EQ(other.grant(), "");
  EXPECT_EQ(other.grant_id(), granted.grant_id());  // whose outcome the caller gets
  EXPECT_EQ(other.rule(), "approval.used");
}

TEST(DecideApprovals, AfterTheFirstGrantsTimeItIsMadeVoidOrItsOutcomeCounts) {
  for (const bool used : {true, false}) {
    Way way;
    const std::string id = way.approved();
    const auto first = way.decide("write_file", id);
    if (used) {
      way.fixture.grant_uses.used.push_back(first.grant_id());
    }
    way.fixture.clock.advance(std::chrono::milliseconds(30'000 + kGrantSettleMs));

    const auto second = way.decide("write_file", id, "fedcba9876543210");

    EXPECT_EQ(second.grant().empty(), used);
    EXPECT_EQ(second.grant_id() == first.grant_id(), used);
    EXPECT_EQ(way.fixture.grant_uses.voided.size(), used ? 0U : 1U);
  }
}

TEST(DecideApprovals, DeleteNeedsTwoPeople) {
  Way way;
  const std::string id = way.decide("delete_file").approval_id();

  ASSERT_THAT(way.answer("carol", id), IsOk());
  ASSERT_THAT(way.answer("carol", id), IsOk());
  EXPECT_EQ(way.decide("delete_file", id).grant(), "");
  ASSERT_THAT(way.answer("dave", id), IsOk());

  EXPECT_NE(way.decide("delete_file", id).grant(), "");
}

TEST(DecideApprovals, ADeniedCallIsRefusedWithTheReasonAlsoWithoutItsId) {
  Way way;
  const std::string id = way.decide().approval_id();
  ASSERT_THAT(way.answer("carol", id, false), IsOk());

  for (const auto& decision : {way.decide("write_file", id), way.decide()}) {
    EXPECT_EQ(decision.verdict(), policy::v1::VERDICT_DENY);
    EXPECT_EQ(decision.rule(), "approval.denied");
    EXPECT_EQ(decision.reason(), "denied by key:carol: it is fine");
    EXPECT_EQ(decision.approval_id(), id);
  }
}

TEST(DecideApprovals, OnlyTheirOwnCallerUsesThem) {
  Way way;
  const std::string id = way.approved();
  auto request = way.fixture.request_for("write_file", kManual);
  request.mutable_calls(0)->set_approval_id(id);

  const auto reply = way.fixture.run((*way.fixture.decide)(request, way.fixture.context_of("bob")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).rule(), "approval.unknown");
  EXPECT_EQ(way.decide("write_file", "apr_nothing").rule(), "approval.unknown");
}

TEST(DecideApprovals, AStricterPolicyVoidsAndAnUnrelatedReloadDoesNot) {
  Way way;
  const std::string one = way.approved();
  ASSERT_THAT(
      way.fixture.run(way.fixture.binding.claim(policy_of(PolicyFixture::settings_with(
          "safe", R"("tools_to_execute": ["*"], "trust_annotations": true)"
      )))),
      IsOk()
  );
  EXPECT_EQ(way.fixture.state.loaded()->version, 2U);
  EXPECT_NE(way.decide("write_file", one).grant(), "");

  Way stricter;
  const std::string two = stricter.approved();
  ASSERT_THAT(
      stricter.fixture.run(stricter.fixture.binding.claim(policy_of(PolicyFixture::settings_with(
          "safe", R"("tools_to_execute": ["*"], "effect_classes": {"write_file": "delete"})"
      )))),
      IsOk()
  );
  const auto refused = stricter.decide("write_file", two);
  EXPECT_EQ(refused.rule(), "approval.void");
  EXPECT_THAT(refused.reason(), HasSubstr("policy is stricter now"));
  EXPECT_EQ(refused.verdict(), policy::v1::VERDICT_DENY);
}

TEST(DecideApprovals, AChangedDefinitionVoids) {
  Way way(
      nullptr,
      PolicyFixture::settings_with(R"(safe", "tool_pins": "off)", R"("tools_to_execute": ["*"])")
  );
  const std::string id = way.approved();
  way.fixture.servers.put("files", "write_file", R"({"changed": true})");
  way.fixture.catalogs.invalidate();
  EXPECT_EQ(way.decide("write_file", id).rule(), "catalog.definition_changed");
  auto request = way.fixture.request_for("write_file", kManual);
  request.mutable_calls(0)->set_approval_id(id);
  request.mutable_calls(0)->set_definition_hash(
      way.fixture.run(way.fixture.catalogs.get(way.fixture.context_without_token()))
          .value()
          ->find(request.calls(0).server_id(), "write_file")
          ->definition_hash
  );

  const auto reply =
      way.fixture.run((*way.fixture.decide)(request, way.fixture.context_of("alice")));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).rule(), "approval.void");
  EXPECT_THAT(reply.value().decisions(0).reason(), HasSubstr("definition has changed"));
}

TEST(DecideApprovals, AScriptThatIsExecutedAgainFindsItsApproval) {
  PolicyFixture fixture(PolicyFixture::settings_with(
      "safe", R"("tools_to_execute": ["*"], "is_code_mode_client": true)"
  ));
  auto request = fixture.request_for("write_file", policy::v1::MODE_CODE);
  request.mutable_calls(0)->set_call_path("1:2#0");
  const auto first = fixture.run((*fixture.decide)(request, fixture.context_of("alice")));
  ASSERT_THAT(first, IsOk());
  policy::v1::AnswerApprovalRequest yes;
  yes.set_id(first.value().decisions(0).approval_id());
  yes.set_approve(true);
  ASSERT_THAT(fixture.run((*fixture.approvals_answer)(yes, fixture.context_of("carol"))), IsOk());

  const auto again = fixture.run((*fixture.decide)(request, fixture.context_of("alice")));

  ASSERT_THAT(again, IsOk());
  EXPECT_NE(again.value().decisions(0).grant(), "");
  EXPECT_EQ(again.value().decisions(0).approval_id(), yes.id());
}

TEST(DecideApprovals, TooManyThatWaitAndArgumentsNobodyCanReadAreRefused) {
  Way way;
  auto request = way.fixture.request_for("write_file", kManual);
  request.mutable_calls(0)->set_arguments(
      R"({"a":")" + std::string(kApprovalArgumentsBytesMax, 'x') + "\"}"
  );
  const auto large =
      way.fixture.run((*way.fixture.decide)(request, way.fixture.context_of("alice")));
  ASSERT_THAT(large, IsOk());
  EXPECT_EQ(large.value().decisions(0).rule(), "approval.arguments_max");

  request = way.fixture.request_for("write_file", kManual);
  request.mutable_calls(0)->clear_tool_call_id();
  for (int i = 0; i <= kPendingApprovalsMax; ++i) {
    const auto reply =
        way.fixture.run((*way.fixture.decide)(request, way.fixture.context_of("alice")));
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(
        reply.value().decisions(0).rule(),
        i < kPendingApprovalsMax ? "preset.safe" : "approval.pending_max"
    );
  }
}

TEST(DecideApprovals, EveryFaultFailsClosed) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    Way way(&plan);
    const auto asked = way.fixture.run((*way.fixture.decide)(
        way.fixture.request_for("write_file", kManual), way.fixture.context_of("alice")
    ));
    auto request = way.fixture.request_for("write_file", kManual);
    request.mutable_calls(0)->set_approval_id(
        asked.ok() ? asked.value().decisions(0).approval_id() : "apr_nothing"
    );
    const auto used =
        way.fixture.run((*way.fixture.decide)(request, way.fixture.context_of("alice")));
    if (plan.fired()) {
      EXPECT_THAT(asked.ok() ? used : asked, HasCode(Code::Unavailable));
    }
  });
  EXPECT_GT(faults, 3);
}

}  // namespace
}  // namespace sluice::policy_engine
