// RunnerLink and Dispatcher over real ZeroMQ sockets: a runner that works, dies, refuses, goes
// silent and sends garbage.
#include "services/codemode-sandbox/adapters/runner_link.h"
#include "services/codemode-sandbox/limits.h"
#include "tests/support/process.h"

#include "common/observability/testing/recording_log.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zmq.hpp>

#include <filesystem>
#include <optional>

namespace sluice::codemode_sandbox {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

constexpr auto kLongest = 6s;

// One runner: a DEALER that a test speaks through.
class FakeRunner {
 public:
  FakeRunner(zmq::context_t& context, const std::string& socket_path)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect("ipc://" + socket_path);
  }

  void say(const runner::ToService& message) { say(message.SerializeAsString()); }

  void say(const std::string& bytes) {
    socket_.send(zmq::buffer(bytes), zmq::send_flags::dontwait);
  }

  void ready(const std::string& id, std::uint32_t slots = 4) {
    runner::ToService message;
    message.mutable_ready()->set_version(kMessagesVersion);
    message.mutable_ready()->set_runner_id(id);
    message.mutable_ready()->set_slots(slots);
    message.mutable_ready()->set_free_slots(slots);
    say(message);
  }

  void beat(std::uint32_t free) {
    runner::ToService message;
    message.mutable_beat()->set_free_slots(free);
    say(message);
  }

  void checked(const std::string& run) {
    runner::ToService message;
    message.mutable_checked()->set_run_id(run);
    say(message);
  }

  // The first comes after the script's check.
  void call(const std::string& run, std::uint32_t id) {
    if (id == 1) {
      checked(run);
    }
    runner::ToService message;
    message.mutable_call()->set_run_id(run);
    message.mutable_call()->set_call_id(id);
    message.mutable_call()->set_server("files");
    message.mutable_call()->set_function("read");
    message.mutable_call()->set_arguments("{}");
    say(message);
  }

  void finish(const std::string& run, const std::string& value) {
    runner::ToService message;
    message.mutable_finished()->set_run_id(run);
    message.mutable_finished()->set_outcome(codemode::v1::OUTCOME_OK);
    message.mutable_finished()->set_value(value);
    say(message);
  }

  void refuse(const std::string& run) {
    runner::ToService message;
    message.mutable_refused()->set_run_id(run);
    say(message);
  }

  // The next message of that kind that has come, others are dropped.
  std::optional<runner::ToRunner> take(runner::ToRunner::MessageCase kind) {
    zmq::message_t frame;
    while (socket_.recv(frame, zmq::recv_flags::dontwait)) {
      runner::ToRunner message;
      if (message.ParseFromArray(frame.data(), static_cast<int>(frame.size())) &&
          message.message_case() == kind) {
        return message;
      }
    }
    return std::nullopt;
  }

  void die() { socket_.close(); }

 private:
  zmq::socket_t socket_;
};

class CodemodeLink : public ::testing::Test {
 protected:
  CodemodeLink()
      : tasks_(loop_.get_executor(), [](std::string_view name, const Error& error) {
          ADD_FAILURE() << name << ": " << error.to_log();
        }) {
    auto link = RunnerLink::open(loop_.get_executor(), &log_, folder_.file("r"), "service-1");
    EXPECT_THAT(link, IsOk());
    link_ = std::move(link).value();
    dispatcher_.emplace(Dispatcher::Deps{
        .clock = &clock_,
        .log = &log_,
        .metrics = metrics_.get(),
        .sender = link_.get(),
        .runs_max = 8
    });
    tasks_.spawn("link", link_->run(&*dispatcher_));
    tasks_.spawn("time", keep_time(&*dispatcher_, &clock_));
  }

  ~CodemodeLink() override {
    EXPECT_THAT(testing::run_sync(loop_, tasks_.cancel_and_close()), IsOk());
  }

  [[nodiscard]] std::string socket() const { return folder_.file("r") + "/service-1.sock"; }

  FakeRunner connect(const std::string& id, std::uint32_t slots = 4) {
    FakeRunner fake(context_, socket());
    fake.ready(id, slots);
    const std::size_t before = dispatcher_->runners();
    EXPECT_TRUE(turn_until([&] { return dispatcher_->runners() > before; }));
    return fake;
  }

  // Lets the loop turn until the condition holds.
  bool turn_until(const std::function<bool()>& holds) {
    const TimePoint until = clock_.now() + kLongest;
    while (!holds()) {
      if (clock_.now() > until) {
        return false;
      }
      loop_.restart();
      loop_.run_for(2ms);
    }
    return true;
  }

  std::optional<runner::ToRunner> wait_for(FakeRunner& fake, runner::ToRunner::MessageCase kind) {
    std::optional<runner::ToRunner> message;
    EXPECT_TRUE(turn_until([&] { return (message = fake.take(kind)).has_value(); }));
    return message;
  }

  std::unique_ptr<Script> start(const std::string& id) {
    runner::Run run;
    run.set_run_id(id);
    run.set_source("return 1");
    run.mutable_limits()->set_wall_ms(10'000);
    run.mutable_limits()->set_calls_max(100);
    run.mutable_limits()->set_console_bytes(1 << 20);
    run.mutable_limits()->set_value_bytes(kValueBytesMax);
    auto script = dispatcher_->start(std::move(run), clock_.now() + 20s);
    EXPECT_THAT(script, IsOk());
    return std::move(script).value();
  }

  // What comes after its check.
  Result<ScriptEvent> next(Script& script) {
    auto event = testing::run_sync(loop_, script.next());
    if (event.ok() && std::holds_alternative<runner::Checked>(event.value())) {
      return next(script);
    }
    return event;
  }

  tests::TemporaryDirectory folder_;
  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  observability::RecordingLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  zmq::context_t context_{1};
  std::unique_ptr<RunnerLink> link_;
  std::optional<Dispatcher> dispatcher_;
  async::TaskGroup tasks_;
};

TEST_F(CodemodeLink, ARunGoesOutAndItsEventsComeBack) {
  FakeRunner fake = connect("runner-1");
  const auto script = start("run_1");
  const auto run = wait_for(fake, runner::ToRunner::kRun);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->run().source(), "return 1");
  script->proceed();
  EXPECT_TRUE(wait_for(fake, runner::ToRunner::kProceed));

  fake.call("run_1", 1);
  const auto called = next(*script);
  ASSERT_THAT(called, IsOk());
  EXPECT_EQ(std::get<runner::ToolCall>(called.value()).function(), "read");
  script->park(true);
  const auto parked = wait_for(fake, runner::ToRunner::kPark);
  EXPECT_TRUE(parked && parked->park().parked());
  script->park(false);
  EXPECT_TRUE(wait_for(fake, runner::ToRunner::kPark));
  runner::CallResult result;
  result.set_call_id(1);
  result.set_value("42");
  script->answer(result);
  const auto answered = wait_for(fake, runner::ToRunner::kResult);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->result().value(), "42");
  fake.finish("run_1", "[1]");

  const auto end = next(*script);
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(std::get<runner::Finished>(end.value()).value(), "[1]");
}

TEST_F(CodemodeLink, TheLargestValuePassesBothWays) {
  FakeRunner fake = connect("runner-1");
  const auto script = start("run_1");
  ASSERT_TRUE(wait_for(fake, runner::ToRunner::kRun));
  const std::string large = "\"" + std::string(kValueBytesMax - 2, 'x') + "\"";
  fake.call("run_1", 1);
  ASSERT_THAT(next(*script), IsOk());
  runner::CallResult result;
  result.set_call_id(1);
  result.set_value(large);
  script->answer(result);
  const auto answered = wait_for(fake, runner::ToRunner::kResult);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->result().value().size(), large.size());
  fake.finish("run_1", large);

  const auto end = next(*script);
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(std::get<runner::Finished>(end.value()).value().size(), large.size());
}

TEST_F(CodemodeLink, ManyMessagesAtOnceAllArrive) {
  FakeRunner fake = connect("runner-1");
  const auto script = start("run_1");
  ASSERT_TRUE(wait_for(fake, runner::ToRunner::kRun));
  constexpr int kLines = 1'000;
  runner::ToService line;
  line.mutable_console()->set_run_id("run_1");
  for (int i = 0; i < kLines; ++i) {
    line.mutable_console()->set_text(std::to_string(i));
    fake.say(line);
    if (i % 100 == 99) {
      loop_.restart();
      loop_.run_for(2ms);
    }
  }
  fake.finish("run_1", "1");

  for (int i = 0; i < kLines; ++i) {
    const auto event = next(*script);
    ASSERT_THAT(event, IsOk());
    ASSERT_EQ(std::get<runner::Console>(event.value()).text(), std::to_string(i));
  }
}

TEST_F(CodemodeLink, ARunnerThatDiesIsNoticedAtOnceAndItsScriptGoesToAnother) {
  FakeRunner first = connect("runner-1", 8);
  FakeRunner second = connect("runner-2", 1);
  const auto script = start("run_1");
  ASSERT_TRUE(wait_for(first, runner::ToRunner::kRun));
  const TimePoint died = clock_.now();
  first.die();

  ASSERT_TRUE(wait_for(second, runner::ToRunner::kRun));
  EXPECT_LT(clock_.now() - died, 1s) << "a beat that cannot be delivered tells";
  second.finish("run_1", "2");

  const auto end = next(*script);
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(std::get<runner::Finished>(end.value()).value(), "2");
}

TEST_F(CodemodeLink, ASilentRunnerIsGoneAfterTwoSecondsAndItsScriptWithACallIsKilled) {
  FakeRunner fake = connect("runner-1");
  const auto script = start("run_1");
  ASSERT_TRUE(wait_for(fake, runner::ToRunner::kRun));
  fake.call("run_1", 1);
  ASSERT_THAT(next(*script), IsOk());
  const TimePoint silent = clock_.now();

  const auto end = next(*script);

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(std::get<runner::Finished>(end.value()).outcome(), codemode::v1::OUTCOME_KILLED);
  EXPECT_GT(clock_.now() - silent, 1'900ms);
  EXPECT_LT(clock_.now() - silent, 2'800ms);
  EXPECT_EQ(dispatcher_->runners(), 0U);
  fake.ready("runner-1");
  EXPECT_TRUE(turn_until([&] { return dispatcher_->runners() == 1; })) << "it may come back";
}

TEST_F(CodemodeLink, ARefusedScriptGoesToAnotherRunner) {
  FakeRunner first = connect("runner-1", 8);
  FakeRunner second = connect("runner-2", 1);
  const auto script = start("run_1");
  ASSERT_TRUE(wait_for(first, runner::ToRunner::kRun));

  first.refuse("run_1");

  EXPECT_TRUE(wait_for(second, runner::ToRunner::kRun));
}

TEST_F(CodemodeLink, GarbageIsRefusedAndHarmsNobody) {
  FakeRunner fake = connect("runner-1");
  FakeRunner bad(context_, socket());
  bad.say("\xff\xfe garbage");
  bad.say(std::string(1'000'000, '\x08'));
  bad.finish("run_1", "\"stolen\"");
  bad.ready("runner-2", 0);
  const auto script = start("run_1");
  ASSERT_TRUE(wait_for(fake, runner::ToRunner::kRun));
  bad.finish("run_1", "\"stolen\"");
  ASSERT_TRUE(turn_until([&] { return log_.count("runner-message-refused") >= 2; }));
  fake.finish("run_1", "1");

  const auto end = next(*script);

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(std::get<runner::Finished>(end.value()).value(), "1");
  EXPECT_EQ(dispatcher_->runners(), 1U);
}

TEST_F(CodemodeLink, AMessageOverTheBoundEndsTheConnection) {
  FakeRunner fake = connect("runner-1");
  fake.say(std::string(kRunnerMessageBytesMax + 1, 'x'));

  EXPECT_TRUE(turn_until([&] { return dispatcher_->runners() == 0; }));
}

TEST_F(CodemodeLink, LeavingEndsTheScriptOnItsRunner) {
  FakeRunner fake = connect("runner-1");
  auto script = start("run_1");
  ASSERT_TRUE(wait_for(fake, runner::ToRunner::kRun));

  script.reset();

  const auto cancelled = wait_for(fake, runner::ToRunner::kCancel);
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->cancel().run_id(), "run_1");
}

TEST_F(CodemodeLink, BeatsToItsRunners) {
  FakeRunner fake = connect("runner-1");
  ASSERT_TRUE(wait_for(fake, runner::ToRunner::kBeat)) << "the answer to Ready";
  const TimePoint began = clock_.now();
  for (int i = 0; i < 2; ++i) {
    fake.beat(4);
    ASSERT_TRUE(wait_for(fake, runner::ToRunner::kBeat));
  }
  EXPECT_LT(clock_.now() - began, 1'600ms);
}

TEST_F(CodemodeLink, SaysThatNoRunnerIsConnected) {
  const auto script = start("run_1");

  const auto end = next(*script);

  ASSERT_THAT(end, HasCode(Code::Unavailable));
  EXPECT_THAT(end.error().message(), HasSubstr("no runner is connected"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
