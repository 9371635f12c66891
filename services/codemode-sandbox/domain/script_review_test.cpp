#include "services/codemode-sandbox/domain/script_review.h"

#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ScriptReviewTest : public ::testing::Test {
 protected:
  codemode::v1::RunFinal run(bool unattended = false) {
    codemode::v1::RunRequest request;
    request.set_source("return 1");
    request.set_tool_call_id("call_1");
    request.set_unattended(unattended);
    auto final =
        fixture.run_sync(fixture.run(std::move(request), &fixture.console, fixture.context()));
    EXPECT_THAT(final, IsOk());
    return final.ok() ? std::move(final).value() : codemode::v1::RunFinal();
  }

  // A script that reads and writes.
  void play() {
    fixture.runners.call(1, "read_file");
    fixture.runners.call(2, "write_file");
    fixture.runners.finish("1");
  }

  CodemodeFixture fixture;
};

TEST_F(ScriptReviewTest, AsksPolicyAboutEveryToolOnceBeforeTheFirstCall) {
  fixture.runners.call(1, "write_file");
  fixture.runners.call(2, "read_file");
  fixture.runners.call(3, "write_file");
  fixture.runners.finish("1");

  const auto final = run();

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_EQ(fixture.runners.proceeded, 1);
  ASSERT_EQ(fixture.policy.scripts.size(), 1U);
  const auto& script = fixture.policy.scripts[0].script();
  EXPECT_EQ(script.run_id(), final.run_id());
  EXPECT_EQ(script.source_digest().size(), 32U);
  ASSERT_EQ(script.calls_size(), 2);
  EXPECT_EQ(script.calls(0).tool(), "read_file");
  EXPECT_EQ(script.calls(0).definition_hash(), "hash of read_file");
  EXPECT_EQ(script.calls(1).tool(), "write_file");
  ASSERT_EQ(final.call_set_size(), 2);
  EXPECT_EQ(final.call_set(1).verdict(), policy::v1::VERDICT_MANUAL);
}

TEST_F(ScriptReviewTest, ADeniedToolMeansThatNothingRuns) {
  play();
  fixture.policy.set_verdicts["write_file"] = policy::v1::VERDICT_DENY;

  const auto final = run();

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_DENIED);
  EXPECT_THAT(final.error().message(), HasSubstr("files.write_file (rule-1: because)"));
  EXPECT_EQ(fixture.runners.proceeded, 0);
  EXPECT_THAT(fixture.policy.decides, IsEmpty());
}

TEST_F(ScriptReviewTest, UnattendedOnlyWhatIsAutomaticRuns) {
  play();
  fixture.policy.set_verdicts["read_file"] = policy::v1::VERDICT_AUTO;

  const auto final = run(true);

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_WAITS);
  EXPECT_THAT(final.error().message(), HasSubstr("not automatic: files.write_file"));
  EXPECT_EQ(fixture.runners.proceeded, 0);
  EXPECT_THAT(fixture.policy.decides, IsEmpty());
  EXPECT_EQ(fixture.policy.scripts[0].mode(), policy::v1::MODE_AGENT_CODE);
}

TEST_F(ScriptReviewTest, UnattendedCallsAreDecidedAsSuch) {
  fixture.runners.call(1, "read_file");
  fixture.runners.finish("1");
  fixture.policy.set_verdicts["read_file"] = policy::v1::VERDICT_AUTO;
  fixture.policy.push(decision_of(policy::v1::VERDICT_MANUAL, ""));

  EXPECT_EQ(run(true).outcome(), codemode::v1::OUTCOME_OK);

  EXPECT_EQ(fixture.policy.decides[0].first.mode(), policy::v1::MODE_AGENT_CODE);
  EXPECT_EQ(fixture.runners.answer_to(1)->error().code(), "Denied");
  EXPECT_THAT(fixture.runners.answer_to(1)->error().message(), HasSubstr("unattended"));
}

// The checker is fooled: what it did not list is refused when it is called.
TEST_F(ScriptReviewTest, ACallOutsideTheCallSetIsRefused) {
  play();
  codemode::v1::Check check;
  check.add_calls()->set_server("files");
  check.mutable_calls(0)->set_tool("read_file");
  fixture.runners.check = check;

  EXPECT_EQ(run().outcome(), codemode::v1::OUTCOME_OK);

  EXPECT_TRUE(fixture.runners.answer_to(1)->has_value());
  EXPECT_EQ(fixture.runners.answer_to(2)->error().code(), "Denied");
  const auto refused = fixture.audit.with_action("tool.refused");
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].rule(), "script.call_set");
  EXPECT_EQ(refused[0].tool(), "write_file");
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
}

TEST_F(ScriptReviewTest, AnEscapeIsRefusedWithItsPlace) {
  play();
  codemode::v1::Check check;
  auto* escape = check.add_escapes();
  escape->set_reason("files is passed on as a value");
  escape->set_hint("call files.read_file(…) itself");
  escape->set_line(3);
  fixture.runners.check = check;

  const auto final = run();

  EXPECT_EQ(final.outcome(), codemode::v1::OUTCOME_TYPE_ERROR);
  EXPECT_THAT(final.error().message(), HasSubstr("files is passed on as a value"));
  EXPECT_EQ(final.error().line(), 3U);
  EXPECT_EQ(final.error().hint(), "call files.read_file(…) itself");
  EXPECT_EQ(final.check().escapes_size(), 1);
  EXPECT_THAT(fixture.policy.scripts, IsEmpty());
}

TEST_F(ScriptReviewTest, WhereTheOperatorAllowsItAnEscapeMeansThatEveryCallIsAskedFor) {
  ScriptReview asking({.policy = &fixture.policy, .clock = &fixture.clock, .escapes = Escapes::Ask}
  );
  RunScope scope;
  scope.tools =
      std::make_shared<const ScriptApi>(connector::v1::CatalogReply(), fixture.policy.shown);
  codemode::v1::Check check;
  check.add_escapes()->set_reason("computed");
  check.add_calls()->set_server("files");
  check.mutable_calls(0)->set_tool("read_file");

  const auto attended =
      fixture.run_sync(asking.review(&scope, &check, std::chrono::milliseconds(1'000)));

  ASSERT_THAT(attended, IsOk());
  EXPECT_EQ(attended.value().outcome, codemode::v1::OUTCOME_OK);
  EXPECT_EQ(fixture.policy.scripts[0].script().calls(0).at_least(), policy::v1::VERDICT_APPROVE);
  EXPECT_TRUE(scope.calls.allows("files", "write_file"));
  EXPECT_EQ(scope.at_least(), policy::v1::VERDICT_APPROVE);

  scope.mode = policy::v1::MODE_AGENT_CODE;
  fixture.policy.set_verdicts["read_file"] = policy::v1::VERDICT_AUTO;
  const auto unattended =
      fixture.run_sync(asking.review(&scope, &check, std::chrono::milliseconds(1'000)));
  EXPECT_EQ(unattended.value().outcome, codemode::v1::OUTCOME_WAITS);
}

}  // namespace
}  // namespace sluice::codemode_sandbox
