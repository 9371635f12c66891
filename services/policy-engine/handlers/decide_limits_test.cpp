// Decisions on calls that limits count.
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/grant/grant.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::StartsWith;

constexpr auto kManual = policy::v1::MODE_MANUAL;
constexpr const char* kTwoAMinute = R"({"id": "two", "per": ["key"], "calls": 2, "window_s": 60})";

std::string settings(const std::string& preset, const std::string& limits) {
  std::string text = PolicyFixture::settings_with(
      preset, R"("tools_to_execute": ["*"], "effect_classes": {"read_file": "read"})"
  );
  const std::string head = R"({"policy": {)";
  return head + R"("limits": [)" + limits + "], " + text.substr(head.size());
}

struct Way {
  explicit Way(
      const std::string& limits = kTwoAMinute,
      const std::string& preset = "open",
      testing::FaultPlan* faults = nullptr
  )
      : fixture(settings(preset, limits), faults) {}

  Result<policy::v1::DecideReply> ask(policy::v1::DecideRequest request, const std::string& key) {
    return fixture.run((*fixture.decide)(std::move(request), fixture.context_of(key)));
  }

  // A call of that name: its decision id is of the name.
  policy::v1::Decision decide(
      const std::string& name,
      std::string_view tool = "write_file",
      const std::string& approval_id = "",
      policy::v1::Mode mode = kManual
  ) {
    auto request = fixture.request_for(tool, mode);
    std::string id(16, '.');
    request.set_decision_id(id.replace(0, name.size(), name));
    request.mutable_calls(0)->set_approval_id(approval_id);
    const auto reply = ask(request, "alice");
    EXPECT_THAT(reply, IsOk());
    return reply.ok() ? reply.value().decisions(0) : policy::v1::Decision();
  }

  policy::v1::Grant grant_of(const policy::v1::Decision& decision) {
    const auto grant =
        grant::verify_grant(fixture.grant_ring, decision.grant(), fixture.clock.unix_ms());
    EXPECT_THAT(grant, IsOk());
    return grant.ok() ? grant.value() : policy::v1::Grant();
  }

  void end(const policy::v1::Decision& decision, connector::v1::Outcome outcome) {
    connector::v1::CallEnded ended;
    ended.set_grant_id(decision.grant_id());
    ended.set_not_after_unix_ms(grant_of(decision).not_after_unix_ms());
    ended.set_outcome(outcome);
    ended.set_used(true);
    EXPECT_THAT(fixture.run(fixture.counters.settle(ended)), IsOk());
  }

  std::string approved(const std::string& name) {
    const std::string id = decide(name).approval_id();
    policy::v1::AnswerApprovalRequest request;
    request.set_id(id);
    request.set_approve(true);
    EXPECT_THAT(
        fixture.run((*fixture.approvals_answer)(request, fixture.context_of("carol"))), IsOk()
    );
    return id;
  }

  std::uint32_t taken() {
    const auto state =
        fixture.run(fixture.counters.state(fixture.state.loaded()->policy.limits->front()));
    return state.ok() && state.value().counters_size() > 0 ? state.value().counters(0).taken() : 0;
  }

  PolicyFixture fixture;
};

TEST(DecideLimits, RefusesTheCallAboveTheLimitAndSaysWhenToTryAgain) {
  Way way;
  EXPECT_NE(way.decide("1").grant(), "");
  way.fixture.clock.advance(std::chrono::seconds(10));
  EXPECT_NE(way.decide("2").grant(), "");

  const auto over = way.decide("3");

  EXPECT_EQ(over.verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(over.rule(), "limits.two");
  EXPECT_EQ(over.retry_after_ms(), 50'000U);
  EXPECT_EQ(over.grant(), "");
  EXPECT_EQ(over.grant_id(), "");
  EXPECT_EQ(over.reason(), "2 calls in 60 s (key:alice) are used up: try again in 50 s");
  EXPECT_NE(
      way.fixture.metrics->expose().find("sluice_policy_limited_total{limit=\"two\"} 1"),
      std::string::npos
  );
  const auto& record = way.fixture.audit.records().back();
  EXPECT_EQ(record.rule(), "limits.two");
  EXPECT_EQ(record.decision(), "deny");
  EXPECT_EQ(record.outcome(), audit::v1::OUTCOME_REFUSED);
  way.fixture.clock.advance(std::chrono::milliseconds(over.retry_after_ms()));
  EXPECT_NE(way.decide("3").grant(), "");
}

TEST(DecideLimits, ARepeatIsCountedOnceAndGetsTheSameGrant) {
  Way way;

  const auto first = way.decide("1");
  const auto repeat = way.decide("1");

  EXPECT_EQ(repeat.grant(), first.grant());
  EXPECT_TRUE(way.grant_of(first).metered());
  EXPECT_EQ(way.taken(), 1U);
}

TEST(DecideLimits, CallsThatAreNotCarriedOutAreGivenBack) {
  Way way;
  way.end(way.decide("1"), connector::v1::OUTCOME_FAILED);
  way.end(way.decide("2"), connector::v1::OUTCOME_DONE);
  way.end(way.decide("3"), connector::v1::OUTCOME_UNKNOWN);

  EXPECT_EQ(way.taken(), 2U);
  EXPECT_EQ(way.decide("4").rule(), "limits.two");
}

TEST(DecideLimits, CallsOfABatchPassInTheirOrder) {
  Way way;
  auto request = way.fixture.request_for("write_file", kManual);
  way.fixture.add_call(&request, "no_such_tool");
  way.fixture.add_call(&request, "read_file");
  way.fixture.add_call(&request, "delete_file");

  const auto reply = way.ask(request, "alice");

  ASSERT_THAT(reply, IsOk());
  EXPECT_NE(reply.value().decisions(0).grant(), "");
  EXPECT_EQ(reply.value().decisions(1).rule(), "catalog.unknown_tool");
  EXPECT_NE(reply.value().decisions(2).grant(), "");
  EXPECT_EQ(reply.value().decisions(3).rule(), "limits.two");
}

TEST(DecideLimits, OnlyCallsThatRunAreCounted) {
  Way way(kTwoAMinute, "manual");

  for (const char* name : {"1", "2", "3"}) {
    EXPECT_EQ(way.decide(name, "write_file", "", policy::v1::MODE_AGENT).grant(), "");
  }
  auto read = way.fixture.read_request("resources/read", kManual);
  read.mutable_calls(0)->set_arguments(R"({"uri":"a"})");
  const auto reading = way.ask(read, "alice");

  EXPECT_EQ(way.taken(), 0U);
  EXPECT_EQ(way.fixture.counters.reserves, 0);
  ASSERT_THAT(reading, IsOk());
  EXPECT_FALSE(way.grant_of(reading.value().decisions(0)).metered());
}

TEST(DecideLimits, CallsThatNoLimitCountsDoNotWaitForIt) {
  Way way(R"({"id": "two", "match": {"tool": "delete_file"}, "calls": 1, "window_s": 60})");
  way.fixture.counters.set_down(true);

  EXPECT_NE(way.decide("1", "write_file").grant(), "");
  EXPECT_EQ(way.fixture.counters.reserves, 0);
}

TEST(DecideLimits, NothingThatALimitCountsIsDecidedWithoutTheCounters) {
  Way way;
  way.fixture.counters.set_down(true);

  const auto reply = way.ask(way.fixture.request_for("write_file", kManual), "alice");

  ASSERT_THAT(reply, HasCode(Code::Unavailable));
  EXPECT_THAT(reply.error().message(), HasSubstr("a limit counts this call"));
  EXPECT_TRUE(way.fixture.audit.records().empty());
}

TEST(DecideLimits, AnApprovalIsAskedForOnlyWhereThereIsRoom) {
  Way way(R"({"id": "one", "calls": 1, "window_s": 60})", "safe");
  EXPECT_THAT(way.decide("1").approval_id(), StartsWith("apr_"));
  EXPECT_EQ(way.taken(), 0U);
  EXPECT_NE(way.decide("2", "read_file").grant(), "");

  const auto over = way.decide("3");

  EXPECT_EQ(over.rule(), "limits.one");
  EXPECT_EQ(over.approval_id(), "");
  EXPECT_EQ(way.fixture.approvals.approvals.size(), 1U);
}

TEST(DecideLimits, ALimitLeavesAnApprovalUnused) {
  Way way(R"({"id": "one", "calls": 1, "window_s": 60})", "safe");
  const std::string id = way.approved("1");
  const auto read = way.decide("2", "read_file");

  const auto over = way.decide("1", "write_file", id);

  EXPECT_EQ(over.rule(), "limits.one");
  EXPECT_EQ(over.approval_id(), id);
  EXPECT_EQ(
      way.fixture.approvals.approvals.front().approval.state(), policy::v1::APPROVAL_STATE_APPROVED
  );
  way.end(read, connector::v1::OUTCOME_FAILED);
  EXPECT_NE(way.decide("1", "write_file", id).grant(), "");
  EXPECT_EQ(way.taken(), 1U);
}

TEST(DecideLimits, WhatTheApprovalRefusesIsGivenBack) {
  Way way(R"({"id": "one", "calls": 1, "window_s": 60, "at_once": 1})", "safe");
  const std::string pending = way.decide("1").approval_id();

  EXPECT_EQ(way.decide("1", "write_file", pending).grant(), "");
  EXPECT_EQ(way.decide("1", "write_file", "apr_unknown").grant(), "");

  EXPECT_EQ(way.taken(), 0U);
  EXPECT_EQ(way.fixture.counters.settled.size(), 2U);
}

TEST(DecideLimits, AScriptsApprovedCallTakesItsPlaceWhenItIsSpent) {
  Way way(R"({"id": "one", "calls": 1, "window_s": 60})", "safe");
  const auto code = policy::v1::MODE_CODE;
  const std::string text = settings("safe", R"({"id": "one", "calls": 1, "window_s": 60})");
  std::string offered = text;
  const std::string tools = R"("tools_to_execute": ["*"])";
  offered.replace(offered.find(tools), tools.size(), tools + R"(, "is_code_mode_client": true)");
  ASSERT_THAT(way.fixture.run(way.fixture.binding.claim(policy_of(offered))), IsOk());
  const std::string id = way.decide("1", "write_file", "", code).approval_id();
  policy::v1::AnswerApprovalRequest answer;
  answer.set_id(id);
  answer.set_approve(true);
  ASSERT_THAT(
      way.fixture.run((*way.fixture.approvals_answer)(answer, way.fixture.context_of("carol"))),
      IsOk()
  );

  const auto granted = way.decide("1", "write_file", "", code);

  EXPECT_NE(granted.grant(), "");
  EXPECT_TRUE(way.grant_of(granted).metered());
  EXPECT_EQ(way.taken(), 1U);
  EXPECT_EQ(way.decide("2", "read_file", "", code).rule(), "limits.one");
}

TEST(DecideLimits, EveryFailureGivesThePlacesBack) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    Way way(kTwoAMinute, "open", &plan);
    const auto request = way.fixture.request_for("write_file", kManual);
    const auto reply = way.ask(request, "alice");
    if (plan.fired() && !reply.ok()) {
      EXPECT_THAT(reply, HasCode(Code::Unavailable));
      EXPECT_EQ(way.taken(), 0U);
    } else {
      EXPECT_THAT(reply, IsOk());
    }
  });

  EXPECT_GE(faults, 3);
}

}  // namespace
}  // namespace sluice::policy_engine
