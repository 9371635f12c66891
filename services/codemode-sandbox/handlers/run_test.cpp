#include "services/codemode-sandbox/handlers/run.h"

#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

codemode::v1::RunRequest script(std::string source) {
  codemode::v1::RunRequest request;
  request.set_source(std::move(source));
  return request;
}

TEST(RunHandler, HandsTheScriptToARunnerAndAnswersItsValue) {
  CodemodeFixture fixture;
  fixture.runners.console("hello");
  fixture.runners.console("careful", "warn");
  fixture.runners.finish(R"({"n":1})");

  const auto final = fixture.run_script("return {n: 1}");

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_EQ(final.value().value(), R"({"n":1})");
  EXPECT_THAT(fixture.console.lines(), ElementsAre("log: hello", "warn: careful"));
  ASSERT_EQ(fixture.runners.runs.size(), 1U);
  const runner::Run& sent = fixture.runners.runs[0];
  EXPECT_EQ(sent.source(), "return {n: 1}");
  EXPECT_EQ(sent.run_id().size(), 4U + 32U);
  EXPECT_EQ(final.value().run_id(), sent.run_id());
  ASSERT_EQ(sent.namespaces_size(), 1);
  EXPECT_EQ(sent.namespaces(0).name(), "files");
  EXPECT_THAT(sent.namespaces(0).functions(), ElementsAre("read_file", "write_file"));
  EXPECT_EQ(sent.limits().wall_ms(), 30'000U);
  EXPECT_EQ(sent.limits().heap_bytes(), std::uint64_t{64} << 20);
  EXPECT_EQ(sent.limits().value_bytes(), kValueBytesMax);
  EXPECT_EQ(fixture.runners.scripts_open, 0);
}

TEST(RunHandler, TakesEachCallThroughPolicyAndConnector) {
  CodemodeFixture fixture;
  fixture.servers.push_text("one");
  fixture.servers.push_text(R"({"items":[1]})");
  fixture.runners.call(1, "read_file", R"({"path": "b", "a": 1.0})", "3:7");
  fixture.runners.call(2, "write_file", R"({"path":"x"})", "4:9");
  fixture.runners.finish("2");

  const auto final = fixture.run_script();

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().calls(), 2U);
  ASSERT_NE(fixture.runners.answer_to(1), nullptr);
  EXPECT_EQ(fixture.runners.answer_to(1)->value(), R"("one")");
  EXPECT_EQ(fixture.runners.answer_to(2)->value(), R"({"items":[1]})");
  ASSERT_EQ(fixture.policy.decides.size(), 2U);
  const auto& [asked, asked_in] = fixture.policy.decides[0];
  EXPECT_EQ(asked.mode(), policy::v1::MODE_CODE);
  EXPECT_EQ(asked.calls(0).arguments(), R"({"a":1,"path":"b"})");
  EXPECT_EQ(asked.calls(0).call_path(), "3:7#1");
  EXPECT_EQ(asked.calls(0).tool_call_id(), "call_1");
  EXPECT_EQ(asked.calls(0).definition_hash(), "hash of read_file");
  EXPECT_EQ(asked_in.run.str(), final.value().run_id());
  const auto& [sent, sent_in] = fixture.servers.requests[0];
  EXPECT_EQ(sent.grant(), "signed grant");
  EXPECT_EQ(sent.params(), asked.calls(0).arguments());
  EXPECT_EQ(sent_in.chain.str(), std::string(32, 'c'));
}

TEST(RunHandler, OrdersTheRecordsOfARunByHop) {
  CodemodeFixture fixture;
  fixture.runners.call(1, "read_file");
  fixture.runners.call(2, "write_file");
  fixture.runners.finish("2");

  const auto final = fixture.run_script("return 2");

  ASSERT_THAT(final, IsOk());
  const auto started = fixture.audit.with_action("run.started");
  const auto finished = fixture.audit.with_action("run.finished");
  ASSERT_EQ(started.size(), 1U);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(started[0].hop(), 10U);
  EXPECT_EQ(started[0].run_id(), final.value().run_id());
  EXPECT_EQ(started[0].args_digest(), crypto::sha256("return 2"));
  EXPECT_EQ(started[0].body(), R"({"code":"return 2"})");
  EXPECT_EQ(started[0].tool_call_id(), "call_1");
  std::uint32_t before = started[0].hop();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_LT(before, fixture.policy.decides[i].second.hop);
    EXPECT_LT(fixture.policy.decides[i].second.hop, fixture.servers.requests[i].second.hop);
    before = fixture.servers.requests[i].second.hop + 1;  // the connector's outcome
  }
  EXPECT_LT(before, finished[0].hop());
  EXPECT_EQ(final.value().hop(), finished[0].hop());
  EXPECT_EQ(finished[0].outcome(), audit::v1::OUTCOME_DONE);
  EXPECT_EQ(finished[0].result_digest(), crypto::sha256("2"));
  EXPECT_EQ(finished[0].detail(), "2 tool calls");
}

TEST(RunHandler, AnswersAFailedScriptWithItsOutcome) {
  CodemodeFixture fixture;
  fixture.runners.fail(codemode::v1::OUTCOME_TIMEOUT, "the script took longer than 30 s");

  const auto final = fixture.run_script("while(true){}");

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().outcome(), codemode::v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(final.value().error().message(), "the script took longer than 30 s");
  const auto finished = fixture.audit.with_action("run.finished");
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome(), audit::v1::OUTCOME_FAILED);
  EXPECT_EQ(finished[0].error_code(), "timeout");
}

TEST(RunHandler, TellsAndListsWhatARunCameTo) {
  CodemodeFixture fixture;
  fixture.runners.finish("1");

  const auto final = fixture.run_script();

  ASSERT_THAT(final, IsOk());
  ASSERT_EQ(fixture.announcer.events.size(), 2U);
  EXPECT_EQ(fixture.announcer.events[0].state(), "running");
  EXPECT_EQ(fixture.announcer.events[1].state(), "ok");
  policy::v1::CallerClaims own;
  own.set_tenant("default");
  own.set_principal("key:team-a");
  policy::v1::CallerClaims other = own;
  other.set_principal("key:team-b");
  EXPECT_THAT(fixture.list.list(own, ""), HasSubstr(R"("state":"ok")"));
  EXPECT_EQ(fixture.list.list(other, ""), "[]");
  EXPECT_EQ(fixture.list.list(own, "run_other"), "[]");
}

TEST(RunHandler, SaysThatNoRunnerTookTheScriptAndRecordsIt) {
  CodemodeFixture fixture;
  fixture.runners.push(Error(Code::Unavailable, "no runner is connected"));

  const auto final = fixture.run_script();

  EXPECT_THAT(final, HasCode(Code::Unavailable));
  const auto finished = fixture.audit.with_action("run.finished");
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].error_code(), "Unavailable");
  EXPECT_EQ(fixture.announcer.events.back().state(), "abandoned");
}

TEST(RunHandler, EndsTheScriptWhenTheCallerLeft) {
  CodemodeFixture fixture;
  fixture.runners.console("one");
  fixture.runners.finish("1");
  fixture.console.set_gone(true);

  EXPECT_THAT(fixture.run_script(), HasCode(Code::Cancelled));

  EXPECT_EQ(fixture.runners.scripts_open, 0);
  EXPECT_EQ(fixture.audit.with_action("run.finished").size(), 1U);
}

TEST(RunHandler, GivesTheSameSeedToARepeatOnly) {
  CodemodeFixture fixture;
  for (const auto* id : {"call_1", "call_1", "call_2", ""}) {
    fixture.runners.finish("1");
    ASSERT_THAT(fixture.run_script("return Math.random()", id), IsOk());
  }

  const auto& runs = fixture.runners.runs;
  EXPECT_EQ(runs[0].seed(), runs[1].seed());
  EXPECT_NE(runs[0].seed(), runs[2].seed());
  EXPECT_NE(runs[0].seed(), runs[3].seed());
}

TEST(RunHandler, GivesAScriptNoMoreTimeThanItsCallerHas) {
  CodemodeFixture fixture;
  fixture.runners.finish("1");
  RequestContext hurried = fixture.context();
  hurried.deadline = fixture.clock.now() + std::chrono::seconds(3);
  RequestContext late = fixture.context();
  late.deadline = fixture.clock.now() + std::chrono::milliseconds(100);

  const auto first = fixture.run_sync(fixture.run(script("x"), &fixture.console, hurried));
  const auto second = fixture.run_sync(fixture.run(script("x"), &fixture.console, late));

  EXPECT_THAT(first, IsOk());
  EXPECT_EQ(fixture.runners.runs[0].limits().wall_ms(), 2'500U);
  EXPECT_THAT(second, HasCode(Code::Deadline));
}

TEST(RunHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  RequestContext without = fixture.context();
  without.caller_token.clear();
  RequestContext other = fixture.context();
  other.principal = PrincipalId("key:team-b");
  const RequestContext late = fixture.context();

  for (const RequestContext& context : {without, other, fixture.stranger()}) {
    EXPECT_THAT(
        fixture.run_sync(fixture.run(script("x"), &fixture.console, context)),
        HasCode(Code::Unauthenticated)
    );
  }
  fixture.clock.advance(std::chrono::minutes(2));
  EXPECT_THAT(
      fixture.run_sync(fixture.run(script("x"), &fixture.console, late)),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_TRUE(fixture.runners.runs.empty());
  EXPECT_TRUE(fixture.audit.records().empty());
}

TEST(RunHandler, RefusesEmptyOverlongAndUnreadableScripts) {
  CodemodeFixture fixture;
  fixture.runners.finish("1");

  EXPECT_THAT(fixture.run_script(""), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.run_script(std::string(kSourceBytesMax + 1, 'x')), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.run_script("\xff"), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.run_script(std::string(kSourceBytesMax, 'x')), IsOk());
}

TEST(RunHandler, RunsNothingWhenTheAuditOutboxIsFull) {
  CodemodeFixture fixture;
  fixture.audit.set_full(true);

  EXPECT_THAT(fixture.run_script(), HasCode(Code::Unavailable));

  EXPECT_TRUE(fixture.runners.runs.empty());
}

// Whatever fails: an error or an answer, no script left open, no effect without a started record.
TEST(RunHandler, FailsCleanlyWhateverDependencyFails) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    CodemodeFixture fixture(&plan);
    fixture.runners.call(1, "write_file");
    fixture.runners.finish("1");

    const auto final = fixture.run_script();

    EXPECT_EQ(fixture.runners.scripts_open, 0);
    const bool recorded = !fixture.audit.with_action("run.started").empty();
    EXPECT_TRUE(recorded || fixture.servers.requests.empty());
    if (!plan.fired()) {
      ASSERT_THAT(final, IsOk());
      EXPECT_TRUE(fixture.runners.answer_to(1)->has_value());
    }
  });
  EXPECT_GE(faults, 6);
}

}  // namespace
}  // namespace sluice::codemode_sandbox
