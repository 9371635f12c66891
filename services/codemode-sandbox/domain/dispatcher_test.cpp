#include "services/codemode-sandbox/domain/dispatcher.h"

#include "services/codemode-sandbox/limits.h"

#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

class RecordingSender final : public RunnerSender {
 public:
  bool send(const std::string& peer, const runner::ToRunner& message) override {
    if (unreachable.contains(peer)) {
      return false;
    }
    sent.emplace_back(peer, message);
    return true;
  }

  // Ids of the runs handed to the peer.
  [[nodiscard]] std::vector<std::string> runs_of(const std::string& peer) const {
    std::vector<std::string> ids;
    for (const auto& [to, message] : sent) {
      if (to == peer && message.has_run()) {
        ids.push_back(message.run().run_id());
      }
    }
    return ids;
  }

  [[nodiscard]] std::size_t count(const std::string& peer, runner::ToRunner::MessageCase kind)
      const {
    std::size_t found = 0;
    for (const auto& [to, message] : sent) {
      found += to == peer && message.message_case() == kind ? 1 : 0;
    }
    return found;
  }

  std::vector<std::pair<std::string, runner::ToRunner>> sent;
  std::set<std::string> unreachable;
};

class DispatcherTest : public ::testing::Test {
 protected:
  void ready(const std::string& peer, std::uint32_t slots = 2) {
    runner::ToService message;
    message.mutable_ready()->set_version(kMessagesVersion);
    message.mutable_ready()->set_runner_id("runner-" + peer);
    message.mutable_ready()->set_slots(slots);
    message.mutable_ready()->set_free_slots(slots);
    message.mutable_ready()->set_v8_version("10.2");
    hear(peer, message);
  }

  void beat(const std::string& peer, std::uint32_t free = 2) {
    runner::ToService message;
    message.mutable_beat()->set_free_slots(free);
    hear(peer, message);
  }

  void checked(const std::string& peer, const std::string& run) {
    runner::ToService message;
    message.mutable_checked()->set_run_id(run);
    hear(peer, message);
  }

  // The first comes after the script's check.
  void call(const std::string& peer, const std::string& run, std::uint32_t id) {
    if (id == 1) {
      checked(peer, run);
    }
    runner::ToService message;
    message.mutable_call()->set_run_id(run);
    message.mutable_call()->set_call_id(id);
    message.mutable_call()->set_server("files");
    message.mutable_call()->set_function("read");
    message.mutable_call()->set_arguments("{}");
    hear(peer, message);
  }

  void console(const std::string& peer, const std::string& run, const std::string& text) {
    runner::ToService message;
    message.mutable_console()->set_run_id(run);
    message.mutable_console()->set_text(text);
    hear(peer, message);
  }

  void finished(const std::string& peer, const std::string& run, const std::string& value = "1") {
    runner::ToService message;
    message.mutable_finished()->set_run_id(run);
    message.mutable_finished()->set_outcome(codemode::v1::OUTCOME_OK);
    message.mutable_finished()->set_value(value);
    hear(peer, message);
  }

  void refused(const std::string& peer, const std::string& run) {
    runner::ToService message;
    message.mutable_refused()->set_run_id(run);
    message.mutable_refused()->set_reason("full");
    hear(peer, message);
  }

  void hear(const std::string& peer, const runner::ToService& message) {
    dispatcher.heard(peer, message.SerializeAsString());
  }

  std::unique_ptr<Script> start(const std::string& id) {
    runner::Run run;
    run.set_run_id(id);
    run.mutable_limits()->set_wall_ms(30'000);
    run.mutable_limits()->set_calls_max(3);
    run.mutable_limits()->set_console_bytes(64);
    run.mutable_limits()->set_value_bytes(100);
    auto script = dispatcher.start(std::move(run), clock.now() + 200s);
    EXPECT_THAT(script, IsOk());
    return script.ok() ? std::move(script).value() : nullptr;
  }

  // What comes after its check.
  Result<ScriptEvent> next(Script& script) {
    auto event = testing::run_sync(loop, script.next());
    if (event.ok() && std::holds_alternative<runner::Checked>(event.value())) {
      return next(script);
    }
    return event;
  }

  // The end of a script, whatever came before.
  runner::Finished end_of(Script& script) {
    for (int i = 0; i < 100; ++i) {
      auto event = next(script);
      if (!event.ok()) {
        ADD_FAILURE() << event.error().to_log();
        break;
      }
      if (std::holds_alternative<runner::Finished>(event.value())) {
        return std::get<runner::Finished>(event.value());
      }
    }
    return {};
  }

  // Time passes; the peers beat.
  void pass(std::chrono::milliseconds time, const std::vector<std::string>& beating = {}) {
    for (auto gone = 0ms; gone < time; gone += kTick) {
      clock.advance(kTick);
      for (const std::string& peer : beating) {
        beat(peer, 0);
      }
      dispatcher.tick();
    }
  }

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  RecordingSender sender;
  Dispatcher dispatcher{
      {.clock = &clock, .log = &log, .metrics = metrics.get(), .sender = &sender, .runs_max = 4}
  };
};

TEST_F(DispatcherTest, GivesAScriptToTheRunnerWithTheMostFreeSlots) {
  ready("a", 1);
  ready("b", 3);

  const auto one = start("run_1");
  const auto two = start("run_2");
  const auto three = start("run_3");

  EXPECT_EQ(sender.runs_of("b").size() + sender.runs_of("a").size(), 3U);
  EXPECT_GE(sender.runs_of("b").size(), 2U);
  EXPECT_EQ(sender.runs_of("b")[0], "run_1");
}

TEST_F(DispatcherTest, PassesEventsOnAndAnswersBack) {
  ready("a");
  const auto script = start("run_1");
  console("a", "run_1", "hello");
  call("a", "run_1", 1);
  finished("a", "run_1", "[1]");

  EXPECT_EQ(std::get<runner::Console>(next(*script).value()).text(), "hello");
  EXPECT_EQ(std::get<runner::ToolCall>(next(*script).value()).call_id(), 1U);
  const auto end = std::get<runner::Finished>(next(*script).value());
  EXPECT_EQ(end.value(), "[1]");
  EXPECT_EQ(end.calls(), 1U);
  EXPECT_EQ(dispatcher.scripts(), 0U);
}

TEST_F(DispatcherTest, SendsTheAnswerOfACallOnce) {
  ready("a");
  const auto script = start("run_1");
  call("a", "run_1", 1);
  runner::CallResult result;
  result.set_call_id(1);
  result.set_value("2");

  script->answer(result);
  script->answer(result);
  result.set_call_id(7);
  script->answer(result);

  EXPECT_EQ(sender.count("a", runner::ToRunner::kResult), 1U);
  EXPECT_EQ(sender.sent.back().second.result().run_id(), "run_1");
}

TEST_F(DispatcherTest, AScriptWaitsForASlotAndGetsTheNextOne) {
  ready("a", 1);
  const auto one = start("run_1");
  const auto two = start("run_2");
  EXPECT_EQ(sender.runs_of("a").size(), 1U);

  finished("a", "run_1");

  EXPECT_EQ(sender.runs_of("a").size(), 2U);
}

TEST_F(DispatcherTest, SaysThatAllRunnersAreBusyAfterFiveSeconds) {
  ready("a", 1);
  const auto one = start("run_1");
  const auto two = start("run_2");

  pass(5'250ms, {"a"});

  const auto end = next(*two);
  ASSERT_THAT(end, HasCode(Code::Unavailable));
  EXPECT_THAT(end.error().message(), HasSubstr("all runners are busy"));
  EXPECT_EQ(dispatcher.scripts(), 1U) << "the other one goes on";
}

TEST_F(DispatcherTest, SaysThatNoRunnerIsConnectedAfterTwoSeconds) {
  const auto script = start("run_1");

  pass(2'000ms);

  const auto end = next(*script);
  ASSERT_THAT(end, HasCode(Code::Unavailable));
  EXPECT_THAT(end.error().message(), HasSubstr("no runner is connected"));
}

TEST_F(DispatcherTest, ARunnerThatComesWithinTwoSecondsIsUsed) {
  const auto script = start("run_1");
  pass(1'500ms);

  ready("a");

  EXPECT_EQ(sender.runs_of("a"), std::vector<std::string>{"run_1"});
}

TEST_F(DispatcherTest, TakesNoMoreScriptsThanItMay) {
  std::vector<std::unique_ptr<Script>> scripts;
  for (const char* id : {"1", "2", "3", "4"}) {
    scripts.push_back(start(id));
  }
  EXPECT_THAT(dispatcher.start(runner::Run(), clock.now() + 1s), HasCode(Code::Exhausted));

  scripts.pop_back();

  EXPECT_NE(start("5"), nullptr);
}

TEST_F(DispatcherTest, ARefusedScriptGoesToAnotherRunner) {
  ready("a", 3);
  ready("b", 1);
  const auto script = start("run_1");
  ASSERT_EQ(sender.runs_of("a").size(), 1U);

  refused("a", "run_1");
  finished("b", "run_1", "2");

  EXPECT_EQ(end_of(*script).value(), "2");
}

TEST_F(DispatcherTest, AScriptOfADeadRunnerGoesToAnotherWhileItMadeNoCall) {
  ready("a", 3);
  ready("b", 1);
  const auto script = start("run_1");
  console("a", "run_1", "first start");

  pass(2'250ms, {"b"});
  ASSERT_EQ(sender.runs_of("b").size(), 0U) << "b has said that it has no free slot";
  beat("b", 1);
  ASSERT_EQ(sender.runs_of("b").size(), 1U);
  finished("b", "run_1", "2");

  EXPECT_EQ(std::get<runner::Console>(next(*script).value()).text(), "first start");
  EXPECT_THAT(std::get<runner::Console>(next(*script).value()).text(), HasSubstr("started again"));
  EXPECT_EQ(end_of(*script).value(), "2");
}

TEST_F(DispatcherTest, AScriptOfADeadRunnerThatMadeACallIsKilled) {
  ready("a");
  ready("b");
  const auto script = start("run_1");
  const std::string holder = sender.runs_of("a").empty() ? "b" : "a";
  call(holder, "run_1", 1);

  pass(2'250ms, {holder == "a" ? "b" : "a"});

  const auto end = end_of(*script);
  EXPECT_EQ(end.outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_THAT(end.error().message(), HasSubstr("after 1 tool calls"));
  EXPECT_EQ(end.calls(), 1U);
}

TEST_F(DispatcherTest, ARunnerThatCannotBeReachedIsGoneAtOnce) {
  ready("a");
  const auto script = start("run_1");
  sender.unreachable.insert("a");
  ready("b");

  pass(500ms, {"b"});
  beat("b", 1);

  EXPECT_EQ(dispatcher.runners(), 1U);
  EXPECT_EQ(sender.runs_of("b").size(), 1U);
}

TEST_F(DispatcherTest, GivesAScriptUpAfterThreeRunners) {
  const auto script = start("run_1");
  for (const char* peer : {"a", "b", "c"}) {
    ready(peer);
    refused(peer, "run_1");
  }

  const auto end = next(*script);
  ASSERT_THAT(end, HasCode(Code::Unavailable));
  EXPECT_THAT(end.error().message(), HasSubstr("given to 3 runners"));
}

TEST_F(DispatcherTest, CancelsWhenNobodyWaitsOrTheDeadlinePassed) {
  ready("a");
  auto left = start("run_1");
  const auto late = start("run_2");

  left.reset();
  EXPECT_EQ(sender.count("a", runner::ToRunner::kCancel), 1U);
  clock.advance(200s);
  beat("a");
  dispatcher.tick();

  EXPECT_THAT(next(*late), HasCode(Code::Deadline));
  EXPECT_EQ(dispatcher.scripts(), 0U);
}

TEST_F(DispatcherTest, EndsAScriptThatItsRunnerDoesNotEnd) {
  ready("a");
  const auto script = start("run_1");

  pass(45'250ms, {"a"});

  const auto end = end_of(*script);
  EXPECT_EQ(end.outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(sender.count("a", runner::ToRunner::kCancel), 1U);
}

TEST_F(DispatcherTest, AParkedScriptTakesNoSlotAndNoTime) {
  ready("a", 1);
  const auto one = start("run_1");
  call("a", "run_1", 1);
  const auto two = start("run_2");
  ASSERT_EQ(sender.runs_of("a").size(), 1U);

  one->park(true);
  EXPECT_EQ(sender.runs_of("a").size(), 2U) << "its slot is another's";
  finished("a", "run_2");
  pass(50'000ms, {"a"});
  one->park(false);
  pass(44'000ms, {"a"});

  finished("a", "run_1", "7");
  EXPECT_EQ(end_of(*one).value(), "7");
  EXPECT_EQ(sender.count("a", runner::ToRunner::kPark), 2U);
}

TEST_F(DispatcherTest, AScriptIsStoppedWithWhatIsTold) {
  ready("a");
  const auto script = start("run_1");
  codemode::v1::ScriptError error;
  error.set_message("enough");

  script->stop(codemode::v1::OUTCOME_CANCELLED, error);
  script->stop(codemode::v1::OUTCOME_KILLED, error);

  const auto end = end_of(*script);
  EXPECT_EQ(end.outcome(), codemode::v1::OUTCOME_CANCELLED);
  EXPECT_EQ(end.error().message(), "enough");
  EXPECT_EQ(sender.count("a", runner::ToRunner::kCancel), 1U);
}

TEST_F(DispatcherTest, OverdueScriptsOfAPeerThatIsGoneEndOnce) {
  ready("a", 4);
  const auto one = start("run_1");
  const auto two = start("run_2");
  call("a", "run_1", 1);
  call("a", "run_2", 1);
  clock.advance(45s);
  beat("a", 0);
  sender.unreachable.insert("a");

  dispatcher.tick();

  EXPECT_EQ(end_of(*one).outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(end_of(*two).outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(dispatcher.scripts(), 0U);
}

TEST_F(DispatcherTest, TellsARunnerToEndARunItShouldNotHave) {
  ready("a");
  ready("b", 1);
  const auto script = start("run_1");
  ASSERT_EQ(sender.runs_of("a").size(), 1U);

  call("b", "run_1", 1);
  call("b", "run_unknown", 1);
  finished("b", "run_1", "\"stolen\"");

  EXPECT_EQ(sender.count("b", runner::ToRunner::kCancel), 5U) << "two checks, two calls, an end";
  finished("a", "run_1", "1");
  EXPECT_EQ(end_of(*script).value(), "1");
}

TEST_F(DispatcherTest, KillsTheRunOfARunnerThatBreaksTheRules) {
  struct Case {
    const char* name;
    std::function<void()> breach;
  };

  const std::vector<Case> cases{
      {"a call before the check", [this] { call("a", "run_1", 2); }},
      {"checked twice",
       [this] {
         checked("a", "run_1");
         checked("a", "run_1");
       }},
      {"call ids out of order",
       [this] {
         checked("a", "run_1");
         call("a", "run_1", 2);
       }},
      {"a call id twice",
       [this] {
         call("a", "run_1", 1);
         call("a", "run_1", 1);
       }},
      {"too many calls",
       [this] {
         for (std::uint32_t id = 1; id <= 4; ++id) {
           call("a", "run_1", id);
         }
       }},
      {"arguments too long",
       [this] {
         runner::ToService message;
         message.mutable_call()->set_run_id("run_1");
         message.mutable_call()->set_call_id(1);
         message.mutable_call()->set_server("s");
         message.mutable_call()->set_function("f");
         message.mutable_call()->set_arguments(std::string(kCallArgumentsBytesMax + 1, 'x'));
         hear("a", message);
       }},
      {"giving it up after a call",
       [this] {
         call("a", "run_1", 1);
         refused("a", "run_1");
       }},
  };
  ready("a", 8);
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const auto script = start("run_1");
    one.breach();
    EXPECT_EQ(end_of(*script).outcome(), codemode::v1::OUTCOME_KILLED);
    beat("a", 8);
  }
}

TEST_F(DispatcherTest, HoldsAValueToItsBounds) {
  ready("a", 8);
  for (const std::string& value :
       {std::string(101, ' '), std::string("{no json"), std::string(R"("\ud800")")}) {
    const auto script = start("run_1");
    finished("a", "run_1", value);
    const auto end = end_of(*script);
    EXPECT_EQ(end.outcome(), codemode::v1::OUTCOME_SCRIPT_ERROR);
    EXPECT_EQ(end.value(), "");
    EXPECT_NE(end.error().hint(), "");
  }
}

TEST_F(DispatcherTest, AnUnknownOutcomeIsAKilledScript) {
  ready("a");
  const auto script = start("run_1");
  runner::ToService message;
  message.mutable_finished()->set_run_id("run_1");
  message.mutable_finished()->set_outcome(static_cast<codemode::v1::Outcome>(77));
  message.mutable_finished()->set_value("1");
  hear("a", message);

  const auto end = end_of(*script);
  EXPECT_EQ(end.outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(end.value(), "");
}

TEST_F(DispatcherTest, CountsConsoleOutputOverItsBound) {
  ready("a");
  const auto script = start("run_1");
  console("a", "run_1", std::string(40, 'x'));
  console("a", "run_1", std::string(40, 'y'));
  finished("a", "run_1");

  EXPECT_EQ(std::get<runner::Console>(next(*script).value()).text(), std::string(40, 'x'));
  EXPECT_EQ(end_of(*script).console_bytes_dropped(), 40U);
}

TEST_F(DispatcherTest, IgnoresGarbageAndStrangers) {
  dispatcher.heard("a", "\xff\xff\xff");
  dispatcher.heard("a", "");
  beat("a");
  runner::ToService wrong;
  wrong.mutable_ready()->set_version(kMessagesVersion + 1);
  wrong.mutable_ready()->set_runner_id("r");
  wrong.mutable_ready()->set_slots(1);
  hear("a", wrong);
  EXPECT_EQ(dispatcher.runners(), 0U);

  ready("a", 1);
  dispatcher.heard("a", "\xff\xff\xff");
  dispatcher.heard("a", std::string(kRunnerMessageBytesMax + 1, 'x'));

  EXPECT_EQ(dispatcher.runners(), 1U);
  EXPECT_NE(start("run_1"), nullptr);
  EXPECT_GE(log.count("runner-message-refused"), 4U);
}

TEST_F(DispatcherTest, BeatsEveryHalfSecondAndForgetsTheSilent) {
  ready("a");
  pass(1'000ms, {"a"});
  EXPECT_EQ(sender.count("a", runner::ToRunner::kBeat), 1U + 2U) << "one as the answer to Ready";

  pass(2'250ms);

  EXPECT_EQ(dispatcher.runners(), 0U);
  EXPECT_TRUE(log.has("runner-lost", "silent"));
}

TEST_F(DispatcherTest, EndsWithScriptsUnderWay) {
  std::unique_ptr<Script> script;
  {
    Dispatcher other(
        {.clock = &clock, .log = &log, .metrics = metrics.get(), .sender = &sender, .runs_max = 4}
    );
    runner::Run run;
    run.set_run_id("run_1");
    script = other.start(std::move(run), clock.now() + 1s).value();
  }
  EXPECT_THAT(next(*script), HasCode(Code::Cancelled));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
