// Calls of scripts that wait for people, and what goes over the bridge.
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using namespace std::chrono_literals;
using sluice::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

policy::v1::Decision asked(const std::string& approval = "apr_1") {
  auto decision = decision_of(policy::v1::VERDICT_APPROVE, "");
  decision.set_approval_id(approval);
  return decision;
}

class ApprovalWaitTest : public ::testing::Test {
 protected:
  codemode::v1::RunFinal run() {
    auto final = fixture.run_script();
    EXPECT_THAT(final, IsOk());
    return final.ok() ? std::move(final).value() : codemode::v1::RunFinal();
  }

  CodemodeFixture fixture;
};

TEST_F(ApprovalWaitTest, AnApprovalLetsTheScriptGoOn) {
  fixture.runners.call(1, "write_file");
  fixture.runners.finish("1");
  fixture.policy.push(asked());
  fixture.policy.push(decision_of(policy::v1::VERDICT_APPROVE, "signed grant"));
  fixture.runners.on_turn = [this] {
    if (!fixture.runners.parks.empty()) {
      fixture.approvals.heard("apr_1");
    }
  };

  const auto final = run();

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_TRUE(fixture.runners.answer_to(1)->has_value());
  EXPECT_THAT(fixture.runners.parks, ElementsAre(true, false));
  ASSERT_EQ(fixture.policy.decides.size(), 2U);
  EXPECT_EQ(
      fixture.policy.decides[0].first.decision_id(), fixture.policy.decides[1].first.decision_id()
  );
  EXPECT_EQ(fixture.policy.decides[0].second.hop, fixture.policy.decides[1].second.hop);
  EXPECT_EQ(fixture.lot.runs, 0U);
}

TEST_F(ApprovalWaitTest, ADenialRejectsTheCall) {
  fixture.runners.call(1, "write_file");
  fixture.runners.finish("1");
  fixture.policy.push(asked());
  fixture.policy.push(decision_of(policy::v1::VERDICT_DENY, ""));
  fixture.runners.on_turn = [this] { fixture.approvals.heard("apr_1"); };

  EXPECT_EQ(run().outcome(), codemode::v1::OUTCOME_OK);

  EXPECT_EQ(fixture.runners.answer_to(1)->error().code(), "Denied");
}

TEST_F(ApprovalWaitTest, WithoutAnAnswerTheRunEndsWithTheApprovalAndWhatItHasDone) {
  fixture.runners.call(1, "read_file");
  fixture.runners.call(2, "write_file");
  fixture.runners.finish("1");
  fixture.policy.push(decision_of(policy::v1::VERDICT_AUTO, "signed grant"));
  for (int i = 0; i < 20; ++i) {
    fixture.policy.push(asked());
  }
  fixture.runners.on_turn = [this] { fixture.clock.advance(1s); };

  const auto final = run();

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_APPROVAL_REQUIRED);
  EXPECT_EQ(final.approval_id(), "apr_1");
  EXPECT_EQ(final.calls(), 2U);
  EXPECT_THAT(final.error().message(), HasSubstr("files.write_file needs an approval"));
  EXPECT_THAT(final.error().hint(), HasSubstr("execute the same call again"));
  EXPECT_EQ(fixture.lot.runs, 0U);
}

TEST_F(ApprovalWaitTest, AFullLotEndsTheRunAtOnce) {
  fixture.lot.runs_max = 0;
  fixture.runners.call(1, "write_file");
  fixture.runners.finish("1");
  fixture.policy.push(asked());

  EXPECT_EQ(run().outcome(), codemode::v1::OUTCOME_APPROVAL_REQUIRED);

  EXPECT_THAT(fixture.runners.parks, IsEmpty());
}

TEST_F(ApprovalWaitTest, APolicyEngineThatIsAwayForAWhileIsWaitedFor) {
  fixture.runners.call(1, "write_file");
  fixture.runners.finish("1");
  fixture.policy.push(asked());
  fixture.policy.push(Error(Code::Unavailable, "away"));
  fixture.policy.push(decision_of(policy::v1::VERDICT_APPROVE, "signed grant"));
  fixture.runners.on_turn = [this] { fixture.approvals.heard("apr_1"); };

  EXPECT_EQ(run().outcome(), codemode::v1::OUTCOME_OK);

  EXPECT_TRUE(fixture.runners.answer_to(1)->has_value());
}

TEST_F(ApprovalWaitTest, ACancelledRunEnds) {
  fixture.runners.call(1, "write_file");
  fixture.runners.finish("1");
  fixture.policy.push(asked());
  fixture.runners.on_turn = [this] {
    fixture.run.cancel("run_of_somebody_else", "key:x");
    fixture.run.cancel(fixture.runners.runs[0].run_id(), "key:admin");
    fixture.approvals.heard("apr_1");
  };

  const auto final = run();

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_CANCELLED);
  EXPECT_THAT(final.error().message(), HasSubstr("key:admin"));
}

TEST(Parking, TimeStandsStillOnlyWhileEveryCallWaits) {
  class Parked final : public Script {
   public:
    explicit Parked(std::vector<bool>* told) : told_(told) {}

    Async<ScriptEvent> next() override { co_return Error(Code::Internal, "not asked for"); }

    void proceed() override {}

    void park(bool parked) override { told_->push_back(parked); }

    void stop(codemode::v1::Outcome, codemode::v1::ScriptError) override {}

    void answer(runner::CallResult) override {}

   private:
    std::vector<bool>* told_;
  };

  std::vector<bool> told;
  const std::unique_ptr<Script> script = std::make_unique<Parked>(&told);
  ParkingLot lot{.time_max = 60s, .runs_max = 1};
  const TimePoint start{};
  Parking parking;
  {
    const Parking::Call one(&parking, &script);
    {
      const Parking::Call two(&parking, &script);
      EXPECT_EQ(parking.begin_wait(&lot, start, script), std::optional(60'000ms));
      EXPECT_THAT(told, IsEmpty());
    }
    EXPECT_THAT(told, ElementsAre(true));
    Parking other;
    EXPECT_EQ(other.begin_wait(&lot, start, script), std::nullopt) << "the lot is full";
    parking.end_wait(start + 40s, script);
    EXPECT_EQ(parking.begin_wait(&lot, start + 100s, script), std::optional(20'000ms));
    parking.end_wait(start + 120s, script);
    EXPECT_EQ(parking.begin_wait(&lot, start + 200s, script), std::nullopt) << "its time is over";
  }
  EXPECT_THAT(told, ElementsAre(true, false, true, false));
  EXPECT_EQ(lot.runs, 0U);
}

TEST(BridgeCheck, NamesThePathOfWhatDoesNotFit) {
  ScriptTool tool;
  tool.definition_hash = "hash";
  tool.input_schema = R"({"type":"object","properties":{"list":{"type":"array",
      "items":{"type":"integer"}}},"required":["list"],"additionalProperties":false})";
  tool.output_schema = R"({"type":"object","properties":{"n":{"type":"number"}}})";
  BridgeCheck check;

  EXPECT_FALSE(check.arguments(tool, R"({"list":[1,2]})"));
  EXPECT_EQ(check.arguments(tool, R"({"list":[1,"two"]})")->path, "/list/1");
  EXPECT_TRUE(check.arguments(tool, "{}"));
  EXPECT_TRUE(check.arguments(tool, R"({"list":[],"more":1})"));
  EXPECT_FALSE(check.result(tool, R"({"n":1.5})"));
  EXPECT_EQ(check.result(tool, R"({"n":"x"})")->path, "/n");
  EXPECT_TRUE(check.result(tool, "\"text\""));
}

TEST(BridgeCheck, ASchemaThatCannotBeUsedRefusesNothing) {
  ScriptTool tool;
  tool.definition_hash = "hash";
  tool.input_schema = R"({"$ref":"https://example.invalid/schema"})";
  BridgeCheck check;

  EXPECT_FALSE(check.arguments(tool, R"({"anything":1})"));
  tool.definition_hash = "another";
  tool.input_schema = "not json";
  EXPECT_FALSE(check.arguments(tool, "{}"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
