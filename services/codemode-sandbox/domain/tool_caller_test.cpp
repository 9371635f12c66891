#include "services/codemode-sandbox/domain/tool_caller.h"

#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ToolCallerTest : public ::testing::Test {
 protected:
  // What the only call of a script gets.
  runner::CallResult call(
      const std::string& function,
      const std::string& arguments = "{}",
      const std::string& server = "files"
  ) {
    fixture.runners.answers.clear();
    fixture.runners.call(1, function, arguments, "1:1", server);
    fixture.runners.finish("1");
    EXPECT_THAT(fixture.run_script(), IsOk());
    const auto* answer = fixture.runners.answer_to(1);
    EXPECT_NE(answer, nullptr);
    return answer != nullptr ? *answer : runner::CallResult();
  }

  void connector_fails(Code code) { fixture.servers.push(Error(code, "the connector says no")); }

  [[nodiscard]] std::string decision_id(std::size_t at) const {
    return fixture.policy.decides[at].first.decision_id();
  }

  CodemodeFixture fixture;
};

TEST_F(ToolCallerTest, RejectsWithPolicysReasonAndAHint) {
  fixture.policy.push(decision_of(policy::v1::VERDICT_DENY, ""));

  const auto answer = call("secret_file");

  EXPECT_EQ(answer.error().code(), "Denied");
  EXPECT_EQ(answer.error().message(), "because (rule rule-1); files has: read_file, write_file");
  EXPECT_THAT(fixture.servers.requests, IsEmpty());
}

TEST_F(ToolCallerTest, SaysThatALimitIsReached) {
  auto limited = decision_of(policy::v1::VERDICT_DENY, "");
  limited.set_retry_after_ms(1'000);
  fixture.policy.push(limited);

  const auto answer = call("secret_file");

  EXPECT_EQ(answer.error().code(), "rate_limited");
  EXPECT_EQ(answer.error().message(), "because (rule rule-1)");
  EXPECT_THAT(fixture.servers.requests, IsEmpty());
}

TEST_F(ToolCallerTest, NamesTheServersForAnUnknownOne) {
  auto unknown = decision_of(policy::v1::VERDICT_DENY, "");
  unknown.set_rule("catalog.unknown_tool");
  fixture.policy.push(unknown);

  const auto answer = call("search", "{}", "youtube");

  EXPECT_EQ(answer.error().code(), "NotFound");
  EXPECT_EQ(answer.error().message(), "there is no such tool; the servers are: files");
}

TEST_F(ToolCallerTest, RejectsArgumentsThatAreNoObject) {
  for (const char* arguments : {"", "[1]", "1", "{", R"({"a":1,"a":2})", R"({"a":"\ud800"})"}) {
    const auto answer = call("read_file", arguments);

    EXPECT_EQ(answer.error().code(), "Invalid") << arguments;
  }
  EXPECT_THAT(fixture.policy.decides, IsEmpty());
}

TEST_F(ToolCallerTest, PassesOnWhatTheToolSays) {
  connector::v1::Final failed;
  failed.set_outcome(connector::v1::OUTCOME_DONE);
  failed.set_result(R"({"content":[{"type":"text","text":"no such file"}],"isError":true})");
  fixture.servers.push(failed);
  connector::v1::Final refused;
  refused.set_outcome(connector::v1::OUTCOME_DONE);
  refused.set_error(R"({"code":-32602,"message":"bad arguments"})");
  fixture.servers.push(refused);

  const auto first = call("read_file");
  const auto second = call("read_file");

  EXPECT_EQ(first.error().code(), "tool_error");
  EXPECT_EQ(first.error().message(), "no such file");
  EXPECT_EQ(second.error().code(), "tool_error");
  EXPECT_EQ(second.error().message(), "bad arguments");
}

TEST_F(ToolCallerTest, TellsWhatWasNotCarriedOutFromWhatMayHaveBeen) {
  connector::v1::Final failed;
  failed.set_outcome(connector::v1::OUTCOME_FAILED);
  failed.set_error(R"({"code":1503,"message":"not sent"})");
  fixture.servers.push(failed);
  connector::v1::Final unknown;
  unknown.set_outcome(connector::v1::OUTCOME_UNKNOWN);
  fixture.servers.push(unknown);

  EXPECT_EQ(call("write_file").error().code(), "not_carried_out");
  EXPECT_EQ(call("write_file").error().code(), "outcome_unknown");
}

TEST_F(ToolCallerTest, ARepeatedScriptAsksForTheSameDecisionsOfWrites) {
  for (int round = 0; round < 2; ++round) {
    fixture.runners.call(1, "write_file", R"({"p":1})", "2:1");
    fixture.runners.call(2, "write_file", R"({"p":2})", "2:1");
    fixture.runners.call(3, "write_file", R"({"p":1})", "2:1");
    fixture.runners.call(4, "write_file", R"({"p":1})", "3:1");
    fixture.runners.finish("1");
    ASSERT_THAT(fixture.run_script("script"), IsOk());
  }

  ASSERT_EQ(fixture.policy.decides.size(), 8U);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(decision_id(i), decision_id(i + 4)) << i;
    EXPECT_EQ(decision_id(i).size(), 16U);
    ids.insert(decision_id(i));
  }
  EXPECT_EQ(ids.size(), 4U) << "each call of one run has its own";
}

TEST_F(ToolCallerTest, TheOrderInWhichParallelCallsAreMadeDoesNotMatter) {
  fixture.runners.call(1, "write_file", R"({"p":1})", "2:1");
  fixture.runners.call(2, "write_file", R"({"p":2})", "2:1");
  fixture.runners.finish("1");
  ASSERT_THAT(fixture.run_script("script"), IsOk());
  fixture.runners.call(1, "write_file", R"({"p":2})", "2:1");
  fixture.runners.call(2, "write_file", R"({"p":1})", "2:1");
  fixture.runners.finish("1");
  ASSERT_THAT(fixture.run_script("script"), IsOk());

  EXPECT_EQ(decision_id(0), decision_id(3));
  EXPECT_EQ(decision_id(1), decision_id(2));
}

TEST_F(ToolCallerTest, OtherScriptsAndExecutionsAskForOtherDecisions) {
  const std::vector<std::pair<std::string, std::string>> executions{
      {"a", "call_1"}, {"b", "call_1"}, {"a", "call_2"}, {"a", ""}, {"a", ""}
  };
  std::set<std::string> ids;
  for (const auto& [source, id] : executions) {
    fixture.runners.call(1, "write_file");
    fixture.runners.finish("1");
    ASSERT_THAT(fixture.run_script(source, id), IsOk());
    ids.insert(fixture.policy.decides.back().first.decision_id());
  }

  EXPECT_EQ(ids.size(), executions.size());
}

TEST_F(ToolCallerTest, ReadsAskForAnotherDecisionEachTime) {
  call("read_file");
  call("read_file");

  EXPECT_NE(decision_id(0), decision_id(1));
}

TEST_F(ToolCallerTest, AnswersAUsedGrantFromTheTrail) {
  connector_fails(Code::Conflict);
  fixture.journal.knows(
      audit::v1::OUTCOME_DONE, R"({"content":[{"type":"text","text":"the first time"}]})"
  );

  const auto answer = call("write_file");

  EXPECT_EQ(answer.value(), R"("the first time")");
  ASSERT_EQ(fixture.journal.requests.size(), 1U);
  EXPECT_EQ(fixture.journal.requests[0].grant_id(), "grant-0123456789");
  EXPECT_EQ(fixture.servers.requests.size(), 1U);
}

TEST_F(ToolCallerTest, SaysWhatTheTrailKnowsOfAUsedGrant) {
  connector_fails(Code::Conflict);
  fixture.journal.reply.set_state(audit::v1::JournalReply::STATE_IN_PROGRESS);
  EXPECT_EQ(call("write_file").error().code(), "in_progress");

  connector_fails(Code::Unavailable);
  fixture.journal.reply.set_state(audit::v1::JournalReply::STATE_UNKNOWN);
  EXPECT_EQ(call("write_file").error().code(), "outcome_unknown");

  connector_fails(Code::Conflict);
  fixture.journal.knows(audit::v1::OUTCOME_FAILED, "");
  EXPECT_EQ(call("write_file").error().code(), "not_carried_out");

  connector_fails(Code::Conflict);
  fixture.journal.knows(audit::v1::OUTCOME_DONE, "");
  EXPECT_EQ(call("write_file").error().code(), "result_expired");

  connector_fails(Code::Conflict);
  fixture.journal.knows(audit::v1::OUTCOME_DONE, R"({"code":-1,"message":"bad"})");
  EXPECT_EQ(call("write_file").error().message(), "bad");
}

TEST_F(ToolCallerTest, DecidesOnceMoreWhenPolicyChangedInBetween) {
  connector_fails(Code::Conflict);  // and the trail knows nothing of the grant

  const auto answer = call("write_file");

  EXPECT_EQ(answer.value(), R"("done")");
  ASSERT_EQ(fixture.policy.decides.size(), 2U);
  EXPECT_EQ(decision_id(0), decision_id(1));
  EXPECT_GT(fixture.policy.decides[1].second.hop, fixture.servers.requests[0].second.hop + 1);
}

TEST_F(ToolCallerTest, DoesNotDecideForEver) {
  for (int i = 0; i < 5; ++i) {
    connector_fails(Code::Conflict);
  }

  EXPECT_EQ(call("write_file").error().code(), "Conflict");
  EXPECT_EQ(fixture.policy.decides.size(), 2U);
}

TEST_F(ToolCallerTest, DecidesOnceMoreWhenTheDefinitionChangedInBetween) {
  auto outdated = decision_of(policy::v1::VERDICT_DENY, "");
  outdated.set_rule("catalog.definition_changed");
  fixture.policy.push(outdated);
  fixture.runners.call(1, "write_file");
  fixture.runners.finish("1");
  // The listing of the run's start is the old one.
  fixture.policy.shown.mutable_tools(1)->set_definition_hash("old");
  const auto old = fixture.policy.shown;
  ASSERT_THAT(fixture.run_script(), IsOk());

  ASSERT_GE(fixture.policy.decides.size(), 1U);
  EXPECT_EQ(fixture.policy.decides[0].first.calls(0).definition_hash(), "old");
  EXPECT_EQ(fixture.policy.views.size(), 2U) << "looked again";
  EXPECT_EQ(fixture.runners.answer_to(1)->error().code(), "Denied") << "nothing had changed";
}

TEST_F(ToolCallerTest, DoesNotAskTheTrailForReads) {
  connector_fails(Code::Unavailable);

  EXPECT_EQ(call("read_file").error().code(), "Unavailable");
  EXPECT_THAT(fixture.journal.requests, IsEmpty());
}

TEST_F(ToolCallerTest, KeepsAScriptToWhatItsRequestIncludes) {
  fixture.runners.call(1, "delete_file");
  fixture.runners.finish("1");
  codemode::v1::RunRequest request;
  request.set_source("x");
  request.mutable_filter()->set_restricted(true);
  request.mutable_filter()->add_servers("files");
  request.mutable_filter()->add_tools("files-read_file");

  const auto final = fixture.run_sync(fixture.run(request, &fixture.console, fixture.context()));

  ASSERT_THAT(final, IsOk());
  EXPECT_TRUE(fixture.policy.views[0].filter().restricted());
  EXPECT_EQ(fixture.runners.answer_to(1)->error().code(), "Denied");
  EXPECT_THAT(fixture.policy.decides, IsEmpty());
  const auto refusals = fixture.audit.with_action("tool.refused");
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].rule(), "request.include");
}

TEST_F(ToolCallerTest, RefusesWhatPolicyCannotDecide) {
  fixture.policy.push(Error(Code::Deadline, "policy-engine took too long"));

  EXPECT_EQ(call("write_file").error().code(), "Unavailable");
  EXPECT_THAT(fixture.servers.requests, IsEmpty());
}

TEST_F(ToolCallerTest, CarriesOutABoundedNumberOfCallsAtOnceAndAllOfThem) {
  constexpr std::uint32_t kCalls = kCallsAtOnceMax + 5;
  for (std::uint32_t id = 1; id <= kCalls; ++id) {
    fixture.runners.call(id, "read_file");
  }
  fixture.runners.finish("1");

  ASSERT_THAT(fixture.run_script(), IsOk());

  EXPECT_EQ(fixture.runners.answers.size(), kCalls);
}

}  // namespace
}  // namespace sluice::codemode_sandbox
