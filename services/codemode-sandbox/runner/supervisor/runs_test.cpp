#include "services/codemode-sandbox/runner/supervisor/runs.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/testing/fakes.h"

#include "common/observability/testing/recording_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace sluice::codemode_runner {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr ServiceId kService = 1;
constexpr ServiceId kOtherService = 2;

class RunsTest : public ::testing::Test {
 protected:
  [[nodiscard]] static wire::ToRunner run(const std::string& id, const std::string& source) {
    wire::ToRunner message;
    wire::Run& run = *message.mutable_run();
    run.set_run_id(id);
    run.set_source(source);
    run.set_seed(7);
    run.mutable_limits()->set_wall_ms(1'000);
    run.mutable_limits()->set_cpu_ms(1'000);
    run.mutable_limits()->set_heap_bytes(64 << 20);
    run.mutable_limits()->set_console_bytes(1'000);
    run.mutable_limits()->set_calls_max(10);
    run.mutable_limits()->set_value_bytes(1'000);
    return message;
  }

  void ask(const std::string& id, const std::string& source, ServiceId service = kService) {
    runs_.from_service(service, run(id, source), now_);
  }

  ChildId add_idle(ChildKind kind) {
    const ChildId id = children_.add_idle(kind);
    runs_.child_idle(kind, now_);
    return id;
  }

  void compile(ChildId child, const std::string& javascript) {
    wire::FromChild message;
    message.mutable_compiled()->set_javascript(javascript);
    runs_.from_child(child, message, now_);
  }

  void proceed(const std::string& id, ServiceId service = kService) {
    wire::ToRunner message;
    message.mutable_proceed()->set_run_id(id);
    runs_.from_service(service, message, now_);
  }

  void park(const std::string& id, bool parked) {
    wire::ToRunner message;
    message.mutable_park()->set_run_id(id);
    message.mutable_park()->set_parked(parked);
    runs_.from_service(kService, message, now_);
  }

  // A run that has begun. Returns its executor child.
  ChildId begin(const std::string& id, const std::string& source = "return 1") {
    const ChildId compiler = children_.add_idle(ChildKind::Compiler);
    const ChildId executor = children_.add_idle(ChildKind::Executor);
    ask(id, source);
    compile(compiler, source);
    proceed(id);
    return executor;
  }

  void finish(ChildId child, const std::string& value) {
    wire::FromChild message;
    message.mutable_finished()->set_outcome(codemode::v1::OUTCOME_OK);
    message.mutable_finished()->set_value(value);
    runs_.from_child(child, message, now_);
  }

  void call(ChildId child, std::uint32_t call_id) {
    wire::FromChild message;
    message.mutable_call()->set_call_id(call_id);
    message.mutable_call()->set_server("github");
    message.mutable_call()->set_function("search");
    message.mutable_call()->set_arguments("{}");
    runs_.from_child(child, message, now_);
  }

  void result(const std::string& id, std::uint32_t call_id, ServiceId service = kService) {
    wire::ToRunner message;
    message.mutable_result()->set_run_id(id);
    message.mutable_result()->set_call_id(call_id);
    message.mutable_result()->set_value("{}");
    runs_.from_service(service, message, now_);
  }

  void ended(ChildId child, int wait_status = SIGKILL) {
    children_.remove(child);
    runs_.child_ended(
        child,
        ChildUsage{
            .wait_status = wait_status, .user_us = 100, .system_us = 20, .memory_peak_kib = 30'000
        },
        now_
    );
  }

  void pass(Duration time) {
    now_ += time;
    runs_.tick(now_);
  }

  // The one Finished of the service so far.
  [[nodiscard]] wire::Finished only_finished(ServiceId service = kService) const {
    const auto all = services_.finished(service);
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? wire::Finished() : all.front();
  }

  TimePoint now_{std::chrono::hours(1)};
  FakeServices services_;
  FakeChildren children_;
  observability::RecordingLog log_;
  Runs runs_{{.services = &services_, .children = &children_, .log = &log_, .slots = 2}};
};

TEST_F(RunsTest, CompilesThenExecutesThenTells) {
  const ChildId compiler = children_.add_idle(ChildKind::Compiler);
  const ChildId executor = children_.add_idle(ChildKind::Executor);

  ask("run_1", "return 1 as number");
  ASSERT_THAT(children_.taken(compiler).messages, SizeIs(1));
  EXPECT_EQ(children_.taken(compiler).messages[0].compile().source(), "return 1 as number");
  now_ += 3ms;
  compile(compiler, "return 1          ");
  EXPECT_TRUE(children_.taken(compiler).killed);
  EXPECT_FALSE(children_.is_taken(executor));
  now_ += 10ms;
  proceed("run_1");
  ASSERT_THAT(children_.taken(executor).messages, SizeIs(1));
  const wire::Start& start = children_.taken(executor).messages[0].start();
  EXPECT_EQ(start.javascript(), "return 1          ");
  EXPECT_EQ(start.seed(), 7U);
  EXPECT_EQ(start.limits().wall_ms(), 1'000U);
  now_ += 2ms;
  finish(executor, "1");
  EXPECT_THAT(services_.finished(kService), IsEmpty());  // its usage is not known yet
  ended(executor);

  const wire::Finished finished = only_finished();
  EXPECT_EQ(finished.run_id(), "run_1");
  EXPECT_EQ(finished.outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_EQ(finished.value(), "1");
  EXPECT_EQ(finished.compile_us(), 3'000U);
  EXPECT_EQ(finished.wall_us(), 2'000U);
  EXPECT_EQ(finished.cpu_us(), 120U);
  EXPECT_EQ(finished.memory_peak_kib(), 30'000U);
  EXPECT_EQ(runs_.free_slots(), 2U);
}

TEST_F(RunsTest, ARepeatedScriptSkipsTheCompiler) {
  const ChildId first = begin("run_1", "return 1");
  finish(first, "1");
  ended(first);

  const ChildId second = children_.add_idle(ChildKind::Executor);
  ask("run_2", "return 1");
  ASSERT_THAT(services_.checked(kService), SizeIs(2));
  EXPECT_FALSE(services_.checked(kService)[0].cached());
  EXPECT_TRUE(services_.checked(kService)[1].cached());
  proceed("run_2");

  ASSERT_TRUE(children_.is_taken(second));
  EXPECT_EQ(children_.taken(second).messages[0].start().javascript(), "return 1");
  finish(second, "1");
  ended(second);
  EXPECT_EQ(services_.finished(kService)[1].compile_us(), 0U);
}

TEST_F(RunsTest, TellsWhatTheCompilerFoundBeforeTheRunAndForTheSameDeclarationsAgain) {
  wire::ToRunner message = run("run_1", "return 1");
  message.mutable_run()->set_declarations("declare const github: {};");
  const ChildId compiler = children_.add_idle(ChildKind::Compiler);
  runs_.from_service(kService, message, now_);
  const wire::Compile compile = children_.taken(compiler).messages[0].compile();
  EXPECT_EQ(compile.declarations(), "declare const github: {};");
  EXPECT_THAT(compile.declarations_digest(), SizeIs(32));
  EXPECT_EQ(children_.prepared().at(compile.declarations_digest()), "declare const github: {};");
  wire::FromChild compiled;
  compiled.mutable_compiled()->set_javascript("return 1");
  compiled.mutable_compiled()->mutable_check()->add_calls()->set_server("github");
  compiled.mutable_compiled()->mutable_check()->mutable_calls(0)->set_tool("search");
  runs_.from_child(compiler, compiled, now_);

  message.mutable_run()->set_run_id("run_2");
  runs_.from_service(kService, message, now_);
  const auto checked = services_.checked(kService);
  ASSERT_THAT(checked, SizeIs(2));
  EXPECT_EQ(checked[0].run_id(), "run_1");
  EXPECT_EQ(checked[1].check().calls(0).tool(), "search");
  EXPECT_TRUE(checked[1].cached());
}

TEST_F(RunsTest, OtherDeclarationsAreCheckedAnew) {
  wire::ToRunner message = run("run_1", "return 1");
  message.mutable_run()->set_declarations("declare const github: {};");
  const ChildId first = children_.add_idle(ChildKind::Compiler);
  runs_.from_service(kService, message, now_);
  compile(first, "return 1");

  const ChildId second = children_.add_idle(ChildKind::Compiler);
  message.mutable_run()->set_run_id("run_2");
  message.mutable_run()->set_declarations("declare const gitlab: {};");
  runs_.from_service(kService, message, now_);

  ASSERT_TRUE(children_.is_taken(second));
  EXPECT_EQ(
      children_.taken(second).messages[0].compile().declarations(), "declare const gitlab: {};"
  );
}

TEST_F(RunsTest, WithoutAWordOfTheServiceACheckedRunEnds) {
  const ChildId compiler = children_.add_idle(ChildKind::Compiler);
  ask("run_1", "return 1");
  compile(compiler, "return 1");
  EXPECT_EQ(runs_.free_slots(), 1U);
  proceed("run_1", kOtherService);

  pass(kProceedTimeout);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_THAT(only_finished().error().message(), HasSubstr("did not say proceed"));
  EXPECT_EQ(runs_.free_slots(), 2U);
}

TEST_F(RunsTest, ARunIsToldToProceedOnce) {
  const ChildId child = begin("run_1");
  children_.add_idle(ChildKind::Executor);

  proceed("run_1");

  EXPECT_THAT(children_.taken(child).messages, SizeIs(1));
  EXPECT_FALSE(children_.is_taken(child + 1));
}

TEST_F(RunsTest, AParkedRunTakesNoSlotAndItsTimeStandsStill) {
  const ChildId child = begin("run_1");
  now_ += 400ms;
  park("run_1", true);
  EXPECT_EQ(runs_.free_slots(), 2U);
  ASSERT_THAT(children_.taken(child).messages, SizeIs(2));
  EXPECT_TRUE(children_.taken(child).messages[1].park().parked());

  pass(60'000ms);
  EXPECT_FALSE(children_.taken(child).killed);
  park("run_1", false);
  EXPECT_FALSE(children_.taken(child).messages[2].park().parked());
  EXPECT_EQ(runs_.free_slots(), 1U);
  pass(600ms + kKillAfter - 1ms);
  EXPECT_FALSE(children_.taken(child).killed);
  pass(1ms);
  EXPECT_TRUE(children_.taken(child).killed);
  ended(child);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(only_finished().wall_us(), 1'500'000U);
}

TEST_F(RunsTest, ARunThatGoesOnWhenAllSlotsAreTakenSimplyGoesOn) {
  const ChildId parked = begin("run_1");
  park("run_1", true);
  begin("run_2");
  begin("run_3");
  park("run_1", false);
  EXPECT_EQ(runs_.free_slots(), 0U);

  finish(parked, "1");
  ended(parked);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_EQ(runs_.free_slots(), 0U);
}

TEST_F(RunsTest, ParkingHasAnEndAndABound) {
  std::vector<ChildId> parked;
  for (std::uint32_t i = 0; i < kParkedRunsMax; ++i) {
    const std::string id = "run_" + std::to_string(i);
    parked.push_back(begin(id, "return " + std::to_string(i)));
    park(id, true);
  }
  const ChildId more = begin("run_more", "return 'more'");
  park("run_more", true);
  EXPECT_TRUE(log_.has("park-not-followed"));
  EXPECT_THAT(children_.taken(more).messages, SizeIs(1));
  EXPECT_EQ(runs_.free_slots(), 1U);

  pass(kParkedMax);

  EXPECT_TRUE(children_.taken(parked[0]).killed);
  ended(parked[0]);
  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_TIMEOUT);
  EXPECT_THAT(only_finished().error().message(), HasSubstr("10 minutes"));
}

TEST_F(RunsTest, AParkedRunThatEndsLeavesItsPlace) {
  const ChildId child = begin("run_1");
  park("run_1", true);
  finish(child, "1");
  ended(child);

  EXPECT_EQ(runs_.free_slots(), 2U);
  begin("run_2");
  EXPECT_EQ(runs_.free_slots(), 1U);
}

TEST_F(RunsTest, AScriptThatDoesNotCompileIsATypeErrorAndIsNotKept) {
  for (const char* id : {"run_1", "run_2"}) {
    const ChildId compiler = children_.add_idle(ChildKind::Compiler);
    ask(id, "return (");
    wire::FromChild message;
    message.mutable_compiled()->mutable_error()->set_message("')' expected");
    message.mutable_compiled()->mutable_error()->set_line(1);
    message.mutable_compiled()->mutable_check()->add_diagnostics()->set_blocks(true);
    runs_.from_child(compiler, message, now_);
    ended(compiler, 0);
  }

  const auto finished = services_.finished(kService);
  ASSERT_THAT(finished, SizeIs(2));
  EXPECT_EQ(finished[0].outcome(), codemode::v1::OUTCOME_TYPE_ERROR);
  EXPECT_EQ(finished[0].error().message(), "')' expected");
  EXPECT_TRUE(finished[0].check().diagnostics(0).blocks());
  EXPECT_THAT(services_.checked(kService), IsEmpty());
  EXPECT_EQ(finished[0].wall_us(), 0U);
  EXPECT_EQ(runs_.size(), 0U);
}

TEST_F(RunsTest, RefusesWhatHasNoSlot) {
  begin("run_1");
  begin("run_2");

  ask("run_3", "return 3");

  const auto refused = services_.refused(kService);
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0].run_id(), "run_3");
  EXPECT_EQ(runs_.free_slots(), 0U);
}

TEST_F(RunsTest, RefusesEverythingWhileItDrainsButFinishesWhatRuns) {
  const ChildId child = begin("run_1");
  runs_.drain();

  ask("run_2", "return 2");
  finish(child, "1");
  ended(child);

  EXPECT_THAT(services_.refused(kService), SizeIs(1));
  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_EQ(runs_.free_slots(), 0U);
}

TEST_F(RunsTest, ARunOutOfBoundsIsNotGivenToAnotherRunner) {
  wire::ToRunner message = run("run_1", std::string(kSourceBytesMax + 1, ' '));
  runs_.from_service(kService, message, now_);

  EXPECT_THAT(services_.refused(kService), IsEmpty());
  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_THAT(only_finished().error().message(), HasSubstr("64 KiB"));
  EXPECT_EQ(runs_.size(), 0U);
}

TEST_F(RunsTest, ARunWaitsForAChildInTheOrderItCame) {
  ask("run_1", "return 1");
  ask("run_2", "return 2");
  EXPECT_EQ(children_.waiting(ChildKind::Compiler), 2U);

  const ChildId first = add_idle(ChildKind::Compiler);
  EXPECT_EQ(children_.taken(first).messages[0].compile().source(), "return 1");
  EXPECT_EQ(children_.waiting(ChildKind::Compiler), 1U);
  const ChildId second = add_idle(ChildKind::Compiler);

  EXPECT_EQ(children_.taken(second).messages[0].compile().source(), "return 2");
  EXPECT_EQ(children_.waiting(ChildKind::Compiler), 0U);
}

TEST_F(RunsTest, ARunThatGetsNoChildGoesBack) {
  ask("run_1", "return 1");

  pass(kChildWaitMax);

  EXPECT_THAT(services_.refused(kService), SizeIs(1));
  EXPECT_EQ(children_.waiting(ChildKind::Compiler), 0U);
  EXPECT_EQ(runs_.size(), 0U);
}

TEST_F(RunsTest, AScriptThatIsTooMuchForTheCompilerIsATypeError) {
  const ChildId compiler = children_.add_idle(ChildKind::Compiler);
  ask("run_1", "return 1");

  pass(kCompileTimeout);
  EXPECT_TRUE(children_.taken(compiler).killed);
  ended(compiler);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_TYPE_ERROR);
  EXPECT_THAT(only_finished().error().message(), HasSubstr("more than 2 s"));

  const ChildId second = children_.add_idle(ChildKind::Compiler);
  ask("run_2", "return 2");
  ended(second, SIGTRAP);
  EXPECT_EQ(services_.finished(kService)[1].outcome(), codemode::v1::OUTCOME_TYPE_ERROR);
  EXPECT_THAT(services_.finished(kService)[1].error().message(), HasSubstr("memory"));
}

TEST_F(RunsTest, AChildThatIgnoresItsWallLimitIsKilledHalfASecondLater) {
  const ChildId child = begin("run_1");

  pass(1'000ms + kKillAfter - 1ms);
  EXPECT_FALSE(children_.taken(child).killed);
  pass(1ms);
  EXPECT_TRUE(children_.taken(child).killed);
  ended(child);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_TIMEOUT);
}

TEST_F(RunsTest, TheEndOfAChildThatSaidNothingBecomesAnOutcome) {
  const ChildId fatal = begin("run_1");
  ended(fatal, SIGTRAP);
  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_MEMORY);

  const ChildId orphan = begin("run_2", "return 2");
  children_.remove(orphan);
  runs_.child_ended(orphan, std::nullopt, now_);

  EXPECT_EQ(services_.finished(kService)[1].outcome(), codemode::v1::OUTCOME_KILLED);
}

TEST_F(RunsTest, AScriptWhoseCompilerZygoteDiesIsCompiledAgainOnce) {
  const ChildId first = children_.add_idle(ChildKind::Compiler);
  const ChildId second = children_.add_idle(ChildKind::Compiler);
  ask("run_1", "return 1");
  children_.remove(first);
  runs_.child_ended(first, std::nullopt, now_);

  ASSERT_THAT(children_.taken(second).messages, SizeIs(1));
  EXPECT_EQ(children_.taken(second).messages[0].compile().source(), "return 1");
  EXPECT_THAT(services_.finished(kService), SizeIs(0));

  children_.remove(second);
  runs_.child_ended(second, std::nullopt, now_);
  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_KILLED);
}

TEST_F(RunsTest, AJailViolationIsAnAlert) {
  const ChildId child = begin("run_1");

  ended(child, SIGSYS);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_TRUE(log_.has("jail-violation"));
}

TEST_F(RunsTest, AChildThatIsNotReapedHoldsUpNobody) {
  const ChildId child = begin("run_1");
  finish(child, "1");

  pass(kReapTimeout);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_OK);
  EXPECT_EQ(runs_.free_slots(), 2U);
}

TEST_F(RunsTest, CallsGoToTheServiceAndResultsToTheChild) {
  const ChildId child = begin("run_1");
  call(child, 1);
  ASSERT_THAT(services_.calls(kService), SizeIs(1));
  EXPECT_EQ(services_.calls(kService)[0].run_id(), "run_1");

  result("run_1", 1);

  ASSERT_THAT(children_.taken(child).messages, SizeIs(2));
  const wire::CallResult& delivered = children_.taken(child).messages[1].result();
  EXPECT_EQ(delivered.call_id(), 1U);
  EXPECT_EQ(delivered.run_id(), "");
}

TEST_F(RunsTest, AResultIsDeliveredOnceAndOnlyForACallThatWasMade) {
  const ChildId child = begin("run_1");
  call(child, 1);

  result("run_1", 2);
  result("run_1", 1, kOtherService);
  result("run_1", 1);
  result("run_1", 1);

  EXPECT_THAT(children_.taken(child).messages, SizeIs(2));  // Start and one result
}

TEST_F(RunsTest, AnOverlongResultBecomesAnError) {
  const ChildId child = begin("run_1");
  call(child, 1);
  wire::ToRunner message;
  message.mutable_result()->set_run_id("run_1");
  message.mutable_result()->set_call_id(1);
  message.mutable_result()->set_value(std::string(kValueBytesMax + 1, ' '));

  runs_.from_service(kService, message, now_);

  EXPECT_EQ(children_.taken(child).messages[1].result().error().code(), "Exhausted");
}

TEST_F(RunsTest, AScriptThatLetsResultsPileUpIsEnded) {
  const ChildId child = begin("run_1");
  call(child, 1);
  children_.refuse_messages();

  result("run_1", 1);
  EXPECT_TRUE(children_.taken(child).killed);
  ended(child);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_MEMORY);
}

TEST_F(RunsTest, AChildOutOfBoundsIsKilled) {
  const ChildId child = begin("run_1");

  call(child, 5);
  EXPECT_TRUE(children_.taken(child).killed);
  call(child, 1);  // what was read before it died
  ended(child);

  EXPECT_THAT(services_.calls(kService), IsEmpty());
  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_THAT(only_finished().error().message(), HasSubstr("numbered"));
}

TEST_F(RunsTest, AnExecutorThatSpeaksAsACompilerIsKilled) {
  const ChildId child = begin("run_1");

  compile(child, "poison");

  EXPECT_TRUE(children_.taken(child).killed);
}

TEST_F(RunsTest, BytesThatAreNoMessageEndTheRun) {
  const ChildId child = begin("run_1");

  runs_.child_broke(child, "no message", now_);
  ended(child);

  EXPECT_EQ(only_finished().outcome(), codemode::v1::OUTCOME_KILLED);
}

TEST_F(RunsTest, ACancelledRunEndsWithoutAWord) {
  const ChildId child = begin("run_1");
  wire::ToRunner cancel;
  cancel.mutable_cancel()->set_run_id("run_1");

  runs_.from_service(kOtherService, cancel, now_);
  EXPECT_FALSE(children_.taken(child).killed);
  runs_.from_service(kService, cancel, now_);
  EXPECT_TRUE(children_.taken(child).killed);
  ended(child);

  EXPECT_THAT(services_.finished(kService), IsEmpty());
  EXPECT_EQ(runs_.free_slots(), 2U);
}

TEST_F(RunsTest, ARunThatWaitsForAChildCanBeCancelled) {
  ask("run_1", "return 1");
  wire::ToRunner cancel;
  cancel.mutable_cancel()->set_run_id("run_1");

  runs_.from_service(kService, cancel, now_);

  EXPECT_EQ(runs_.size(), 0U);
  EXPECT_EQ(children_.waiting(ChildKind::Compiler), 0U);
}

TEST_F(RunsTest, TheRunsOfALostServiceEndAndThoseOfOthersGoOn) {
  const ChildId lost = begin("run_1");
  children_.add_idle(ChildKind::Executor);
  ask("run_1", "return 1", kOtherService);
  proceed("run_1", kOtherService);

  runs_.service_lost(kService, now_);

  EXPECT_TRUE(children_.taken(lost).killed);
  EXPECT_FALSE(children_.taken(lost + 1).killed);
  ended(lost);
  finish(lost + 1, "1");
  ended(lost + 1);
  EXPECT_THAT(services_.finished(kService), IsEmpty());
  EXPECT_THAT(services_.finished(kOtherService), SizeIs(1));
}

TEST_F(RunsTest, ALaggingServiceHoldsUpItsChildren) {
  const ChildId child = begin("run_1");
  services_.set_pace(Services::Pace::Lags);
  call(child, 1);
  EXPECT_FALSE(children_.taken(child).read);

  runs_.service_writable(kService);

  EXPECT_TRUE(children_.taken(child).read);
}

TEST_F(RunsTest, ARepeatedRunIdIsIgnored) {
  begin("run_1");

  ask("run_1", "return 2");

  EXPECT_EQ(runs_.size(), 1U);
  EXPECT_TRUE(log_.has("run-repeated"));
}

TEST_F(RunsTest, TellsTheNextDeadline) {
  EXPECT_EQ(runs_.next_deadline(), TimePoint::max());

  begin("run_1");

  EXPECT_EQ(runs_.next_deadline(), now_ + 1'000ms + kKillAfter);
}

}  // namespace
}  // namespace sluice::codemode_runner
