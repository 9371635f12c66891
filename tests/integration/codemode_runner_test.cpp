// The binary codemode-runner, real scripts in real children; the services are the test's.
#include "tests/integration/runner_rig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>

#include <sys/resource.h>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace v1 = codemode::v1;

constexpr auto kStart = 60s;    // two zygotes get warm, on a busy machine and with sanitizers
constexpr auto kLongest = 20s;  // anything else

// One runner for all tests of the suite: starting one takes seconds.
class CodemodeRunner : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { runner_ = std::make_unique<RunnerProcess>(); }

  static void TearDownTestSuite() { runner_.reset(); }

  void SetUp() override {
    service_ = std::make_unique<RunnerService>(runner_->sockets(), "one");
    ASSERT_TRUE(introduced(*service_)) << runner_->log();
    service_->answer_calls(echo);
  }

  void TearDown() override {
    service_.reset();
    if (HasFailure()) {
      ADD_FAILURE() << "log of the runner:\n" << runner_->log();
    }
  }

  static std::optional<wire::CallResult> echo(const wire::ToolCall& call) {
    if (call.function() != "echo") {
      return std::nullopt;
    }
    wire::CallResult result;
    result.set_value(call.arguments());
    return result;
  }

  static bool introduced(RunnerService& service) {
    return serve_until({&service}, [&] { return !service.introductions().empty(); }, kStart);
  }

  wire::Finished result_of(const std::string& run_id) { return result_of(*service_, run_id); }

  static wire::Finished result_of(RunnerService& service, const std::string& run_id) {
    EXPECT_TRUE(serve_until(
        {&service}, [&] { return service.finished(run_id) != nullptr; }, kLongest
    )) << "no answer to "
       << run_id;
    const wire::Finished* finished = service.finished(run_id);
    return finished == nullptr ? wire::Finished() : *finished;
  }

  wire::Finished run(const std::string& source) { return result_of(service_->ask(source)); }

  // Asks again whenever it is refused.
  wire::Finished run_when_it_can(const std::string& source) {
    std::size_t refused = service_->refused().size();
    std::string id = service_->ask(source);
    EXPECT_TRUE(serve_until(
        {service_.get()},
        [&] {
          if (service_->refused().size() > refused) {
            refused = service_->refused().size();
            id = service_->ask(source);
          }
          return service_->finished(id) != nullptr;
        },
        kLongest
    ));
    const wire::Finished* finished = service_->finished(id);
    return finished == nullptr ? wire::Finished() : *finished;
  }

  static std::unique_ptr<RunnerProcess> runner_;
  std::unique_ptr<RunnerService> service_;
};

std::unique_ptr<RunnerProcess> CodemodeRunner::runner_;

TEST_F(CodemodeRunner, IntroducesItself) {
  const wire::Ready& ready = service_->introductions().front();

  EXPECT_EQ(ready.version(), 2U);
  EXPECT_THAT(ready.runner_id(), ::testing::MatchesRegex("runner-[0-9a-f]+"));
  EXPECT_EQ(ready.slots(), 8U);
  EXPECT_THAT(ready.v8_version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\..*"));
  EXPECT_TRUE(
      std::filesystem::exists(runner_->run_file_folder() + "/" + ready.runner_id() + ".json")
  );
}

TEST_F(CodemodeRunner, ReturnsTheValueOfAScript) {
  const wire::Finished finished = run("const n: number = 20; return {n: n * 2 + 2}");

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_OK) << finished.ShortDebugString();
  EXPECT_EQ(finished.value(), R"({"n":42})");
  EXPECT_GT(finished.compile_us(), 0U);
  EXPECT_GT(finished.start_us(), 0U);
  EXPECT_GE(finished.wall_us(), finished.start_us());
  EXPECT_GT(finished.cpu_us(), 0U);
  EXPECT_GT(finished.memory_peak_kib(), 0U);
}

TEST_F(CodemodeRunner, ARepeatedScriptIsNotCompiledAgain) {
  const std::string source = "const again: string = 'again'; return again";
  const wire::Finished first = run(source);
  const wire::Finished second = run(source);

  EXPECT_GT(first.compile_us(), 0U);
  EXPECT_EQ(second.compile_us(), 0U);
  EXPECT_EQ(second.value(), first.value());
}

wire::Run typed(const std::string& source) {
  wire::Run run = RunnerService::ordinary(source);
  run.set_declarations(
      "declare const test: { echo(args: { n: number }): Promise<any>; wait(args?: any): "
      "Promise<any> "
      "};"
  );
  return run;
}

TEST_F(CodemodeRunner, ChecksAScriptAgainstItsDeclarationsBeforeItRuns) {
  const std::string good = service_->ask(typed("return (await test.echo({ n: 4 })).n"));
  EXPECT_EQ(result_of(good).value(), "4");
  const wire::Checked* checked = service_->checked(good);
  ASSERT_NE(checked, nullptr);
  EXPECT_FALSE(checked->cached());
  ASSERT_EQ(checked->check().calls_size(), 1);
  EXPECT_EQ(checked->check().calls(0).server(), "test");
  EXPECT_EQ(checked->check().calls(0).tool(), "echo");

  const std::string again = service_->ask(typed("return (await test.echo({ n: 4 })).n"));
  EXPECT_EQ(result_of(again).value(), "4");
  EXPECT_TRUE(service_->checked(again)->cached());
  EXPECT_EQ(service_->checked(again)->check().calls_size(), 1);
}

TEST_F(CodemodeRunner, AScriptThatCannotBeRightMakesNoCall) {
  const std::string id =
      service_->ask(typed("const first = await test.echo({ n: 1 });\nreturn await test.ehco({})"));
  const wire::Finished finished = result_of(id);

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_TYPE_ERROR) << finished.ShortDebugString();
  EXPECT_EQ(finished.error().line(), 2U);
  EXPECT_EQ(finished.error().hint(), "write echo");
  EXPECT_EQ(finished.error().excerpt(), "return await test.ehco({})");
  ASSERT_EQ(finished.check().diagnostics_size(), 1);
  EXPECT_TRUE(finished.check().diagnostics(0).blocks());
  EXPECT_EQ(service_->checked(id), nullptr);
  EXPECT_THAT(service_->calls(), SizeIs(0));
}

TEST_F(CodemodeRunner, AScriptThatIsTooMuchForTheCompilerIsATypeError) {
  const std::string id = service_->ask(
      typed("type R<N, A extends 1[] = []> = A['length'] extends N ? A : R<N, [...A, 1]>;\n"
            "let a: R<9999>; let b: R<9998>; let c: R<9997>; return [a, b, c]")
  );
  const wire::Finished finished = result_of(id);

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_TYPE_ERROR) << finished.ShortDebugString();
  EXPECT_EQ(result_of(service_->ask(typed("return 1"))).value(), "1");
}

TEST_F(CodemodeRunner, AScriptRunsWhenTheServiceSaysSo) {
  service_->set_proceeds(false);
  const std::string id = service_->ask("await test.echo({}); return 1");

  ASSERT_TRUE(serve_until(
      {service_.get()}, [&] { return service_->checked(id) != nullptr; }, kLongest
  ));
  const auto wait = std::chrono::steady_clock::now() + 300ms;
  serve_until({service_.get()}, [&] { return std::chrono::steady_clock::now() > wait; }, kLongest);
  EXPECT_THAT(service_->calls(), SizeIs(0));
  service_->proceed(id);

  EXPECT_EQ(result_of(id).outcome(), v1::OUTCOME_OK);
  EXPECT_THAT(service_->calls(), SizeIs(1));
}

TEST_F(CodemodeRunner, AParkedScriptWaitsWithoutASlot) {
  const std::string id = service_->ask("await test.wait({}); return 1");
  ASSERT_TRUE(serve_until(
      {service_.get()}, [&] { return service_->calls().size() == 1; }, kLongest
  ));
  service_->park(id, true);
  std::vector<std::string> others;
  others.reserve(8);
  for (int i = 0; i < 8; ++i) {
    others.push_back(service_->ask("await test.wait({i: " + std::to_string(i) + "}); return 1"));
  }
  EXPECT_TRUE(serve_until(
      {service_.get()}, [&] { return service_->calls().size() == 9; }, kLongest
  ));

  EXPECT_THAT(service_->refused(), SizeIs(0));
  for (const std::string& other : others) {
    service_->cancel(other);
  }
  service_->cancel(id);
}

TEST_F(CodemodeRunner, TellsWhereAScriptDoesNotCompile) {
  const wire::Finished finished = run("const a: number = 1;\nreturn (a +");

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_TYPE_ERROR) << finished.ShortDebugString();
  EXPECT_EQ(finished.error().line(), 2U);
  EXPECT_FALSE(finished.error().message().empty());
}

TEST_F(CodemodeRunner, TellsWhereAScriptThrew) {
  const wire::Finished finished = run("const a: number = 1;\nthrow new Error('broken ' + a)");

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_SCRIPT_ERROR) << finished.ShortDebugString();
  EXPECT_THAT(finished.error().message(), HasSubstr("broken 1"));
  EXPECT_EQ(finished.error().line(), 2U);
}

TEST_F(CodemodeRunner, CallsToolsAllAtOnce) {
  const wire::Finished finished =
      run("const all = await Promise.all([1, 2, 3, 4, 5].map((n) => test.echo({n})));\n"
          "console.log('made', all.length);\n"
          "return all.map((r: any) => r.n)");

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_OK) << finished.ShortDebugString();
  EXPECT_EQ(finished.value(), "[1,2,3,4,5]");
  EXPECT_EQ(finished.calls(), 5U);
  ASSERT_THAT(service_->calls(), SizeIs(5));
  EXPECT_EQ(service_->calls()[0].server(), "test");
  EXPECT_EQ(service_->calls()[0].arguments(), R"({"n":1})");
  ASSERT_THAT(service_->console(), SizeIs(1));
  EXPECT_EQ(service_->console()[0].text(), "made 5");
}

TEST_F(CodemodeRunner, ARefusedCallRejectsItsPromise) {
  service_->answer_calls([](const wire::ToolCall&) {
    wire::CallResult result;
    result.mutable_error()->set_code("Denied");
    result.mutable_error()->set_message("policy says no");
    return std::optional(result);
  });

  const wire::Finished finished =
      run("try { await test.echo({}) } catch (e) { return String(e.message) }");

  EXPECT_EQ(finished.outcome(), v1::OUTCOME_OK) << finished.ShortDebugString();
  EXPECT_THAT(finished.value(), HasSubstr("policy says no"));
}

// Nice values of the children of those zygotes.
std::set<int> nice_below(const std::vector<pid_t>& zygotes) {
  std::set<int> all;
  for (const pid_t zygote : zygotes) {
    for (const pid_t child : RunnerProcess::children_of(zygote)) {
      errno = 0;
      const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(child));
      if (errno == 0) {  // it may have ended
        all.insert(nice);
      }
    }
  }
  return all;
}

TEST_F(CodemodeRunner, AScriptThatComputesLongGivesWay) {
  const auto executors = [] { return nice_below(runner_->zygotes("executor")); };
  const int own = ::getpriority(PRIO_PROCESS, 0);
  int of_compilers = own;
  EXPECT_TRUE(eventually(
      [&] {
        const std::set<int> now = nice_below(runner_->zygotes("compiler"));
        of_compilers = now.empty() ? own : *now.begin();
        return of_compilers > own;
      },
      kLongest
  ));
  EXPECT_TRUE(eventually([&] { return executors().contains(own); }, kLongest));  // idle ones
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(runner_->process().pid())), own);

  const std::string id = service_->ask("for (;;) {}");
  EXPECT_TRUE(serve_until(
      {service_.get()},
      [&] {
        const std::set<int> now = executors();
        return !now.empty() && *now.rbegin() > of_compilers;
      },
      kLongest
  ));
  service_->cancel(id);
}

TEST_F(CodemodeRunner, ACancelledRunFreesItsSlotWithoutAWord) {
  const std::string id = service_->ask("await test.wait({}); return 1");
  ASSERT_TRUE(serve_until(
      {service_.get()}, [&] { return service_->calls().size() == 1; }, kLongest
  ));

  service_->cancel(id);
  const wire::Finished next = run("return 'next'");

  EXPECT_EQ(next.value(), "\"next\"");
  EXPECT_EQ(service_->finished(id), nullptr);
}

TEST_F(CodemodeRunner, TwoServicesHaveRunsOfTheirOwn) {
  RunnerService other(runner_->sockets(), "two");
  ASSERT_TRUE(introduced(other));
  other.answer_calls(echo);
  const std::string mine = service_->ask("return (await test.echo({of: 'one'})).of");
  const std::string theirs = other.ask("return (await test.echo({of: 'two'})).of");

  ASSERT_TRUE(serve_until(
      {service_.get(), &other},
      [&] { return service_->finished(mine) != nullptr && other.finished(theirs) != nullptr; },
      kLongest
  ));
  EXPECT_EQ(service_->finished(mine)->value(), "\"one\"");
  EXPECT_EQ(other.finished(theirs)->value(), "\"two\"");
}

TEST_F(CodemodeRunner, TheRunsOfASilentServiceEndAndItIsMetAgain) {
  RunnerService other(runner_->sockets(), "silent");
  ASSERT_TRUE(introduced(other));
  wire::Run lasting = RunnerService::ordinary("await test.wait({}); return 1");
  lasting.mutable_limits()->set_wall_ms(60'000);  // it is the silence that ends it
  const std::string id = other.ask(std::move(lasting));
  ASSERT_TRUE(serve_until(
      {service_.get(), &other}, [&] { return other.calls().size() == 1; }, kLongest
  ));
  const std::size_t introductions = other.introductions().size();

  other.set_silent(true);
  EXPECT_TRUE(serve_until(
      {service_.get(), &other},
      [&] { return other.introductions().size() > introductions; },
      kLongest
  ));
  other.set_silent(false);
  const wire::Finished next = result_of(other, other.ask("return 'back'"));

  EXPECT_EQ(next.value(), "\"back\"");
  EXPECT_EQ(other.finished(id), nullptr);
}

TEST_F(CodemodeRunner, AServiceThatDiesTakesItsRunsWithIt) {
  auto other = std::make_unique<RunnerService>(runner_->sockets(), "dying");
  ASSERT_TRUE(introduced(*other));
  for (int i = 0; i < 8; ++i) {  // all slots
    other->ask("await test.wait({}); return 1");
  }
  ASSERT_TRUE(serve_until(
      {service_.get(), other.get()}, [&] { return other->calls().size() == 8; }, kLongest
  ));

  other.reset();
  EXPECT_EQ(run_when_it_can("return 'free'").value(), "\"free\"");
}

TEST_F(CodemodeRunner, TwentyAtATimeFillEightSlots) {
  std::vector<std::string> ids;
  ids.reserve(20);
  for (int i = 0; i < 20; ++i) {
    ids.push_back(service_->ask("await test.wait({}); return " + std::to_string(i)));
  }
  ASSERT_TRUE(serve_until(
      {service_.get()},
      [&] { return service_->refused().size() + service_->calls().size() == 20; },
      kLongest
  ));

  EXPECT_THAT(service_->refused(), SizeIs(12));
  EXPECT_THAT(service_->calls(), SizeIs(8));
  ASSERT_TRUE(serve_until(
      {service_.get()}, [&] { return service_->finished_count() == 8; }, kLongest
  ));
  for (const std::string& id : ids) {
    if (const wire::Finished* finished = service_->finished(id); finished != nullptr) {
      EXPECT_EQ(finished->outcome(), v1::OUTCOME_TIMEOUT) << finished->ShortDebugString();
    }
  }
}

TEST_F(CodemodeRunner, ARunWhoseZygoteIsKilledIsKilledAndTheNextOneWorks) {
  const std::string id = service_->ask("await test.wait({}); return 1");
  ASSERT_TRUE(serve_until(
      {service_.get()}, [&] { return service_->calls().size() == 1; }, kLongest
  ));
  const auto zygotes = runner_->zygotes("executor");
  ASSERT_THAT(zygotes, SizeIs(1));

  ASSERT_EQ(::kill(zygotes[0], SIGKILL), 0);

  EXPECT_EQ(result_of(id).outcome(), v1::OUTCOME_KILLED);
  EXPECT_EQ(run("return 'next'").value(), "\"next\"");
}

TEST_F(CodemodeRunner, AKilledCompilerZygoteIsStartedAgain) {
  const auto zygotes = runner_->zygotes("compiler");
  ASSERT_THAT(zygotes, SizeIs(1));
  ASSERT_EQ(::kill(zygotes[0], SIGKILL), 0);

  EXPECT_EQ(run_when_it_can("const fresh: number = 7; return fresh").value(), "7");
}

TEST_F(CodemodeRunner, AHangingZygoteIsReplaced) {
  const auto zygotes = runner_->zygotes("executor");
  ASSERT_THAT(zygotes, SizeIs(1));
  ASSERT_EQ(::kill(zygotes[0], SIGSTOP), 0);

  // Those forked ahead serve some; then the zygote owes an answer for 5 s.
  EXPECT_TRUE(serve_until(
      {service_.get()},
      [&, asked = 0, done = std::size_t{0}]() mutable {
        if (asked == 0 || service_->finished_count() + service_->refused().size() > done) {
          done = service_->finished_count() + service_->refused().size();
          service_->ask("return " + std::to_string(++asked));
        }
        const auto now = runner_->zygotes("executor");
        return now.size() == 1 && now[0] != zygotes[0];
      },
      kStart
  ));
  EXPECT_EQ(run("return 'next'").value(), "\"next\"");
}

struct Hostile {
  const char* name;
  const char* source;
  std::vector<v1::Outcome> outcomes;
};

void PrintTo(const Hostile& hostile, std::ostream* out) {
  *out << hostile.name;
}

class HostileScript : public CodemodeRunner, public ::testing::WithParamInterface<Hostile> {};

TEST_P(HostileScript, EndsInTimeWithATypeWhileOthersRun) {
  const std::string hostile = service_->ask(GetParam().source);
  const std::string ordinary = service_->ask(
      "let sum = 0; for (let i = 0; i < 5; i++) sum += (await test.echo({i})).i; return sum"
  );

  const wire::Finished finished = result_of(hostile);
  const wire::Finished beside = result_of(ordinary);

  EXPECT_NE(
      std::find(GetParam().outcomes.begin(), GetParam().outcomes.end(), finished.outcome()),
      GetParam().outcomes.end()
  ) << finished.ShortDebugString();
  EXPECT_FALSE(finished.error().message().empty());
  constexpr std::uint32_t kLimitUs = 2'500'000;  // the wall limit and half a second
  constexpr std::uint32_t kWakeUpUs = 200'000;   // on a machine that is busy with other things
  EXPECT_LE(finished.wall_us(), kLimitUs + kWakeUpUs);
  EXPECT_EQ(beside.outcome(), v1::OUTCOME_OK) << beside.ShortDebugString();
  EXPECT_EQ(beside.value(), "10");
}

INSTANTIATE_TEST_SUITE_P(
    Scripts,
    HostileScript,
    ::testing::Values(
        Hostile{"EndlessLoop", "while (true) {}", {v1::OUTCOME_TIMEOUT}},
        Hostile{"RegexpBomb", "return /^(a+)+$/.test('a'.repeat(40) + 'b')", {v1::OUTCOME_TIMEOUT}},
        Hostile{
            "LongString",
            "let s = 'x'; for (;;) s = s + s",
            {v1::OUTCOME_SCRIPT_ERROR, v1::OUTCOME_MEMORY}
        },
        Hostile{"SplitString", "return 'a'.padEnd(2 ** 28).split('').length", {v1::OUTCOME_MEMORY}},
        Hostile{"HugeArray", "return new Array(2 ** 25).fill(1).length", {v1::OUTCOME_MEMORY}},
        Hostile{
            "ManyFormats",
            "const a: any[] = []; for (;;) a.push(new Intl.DateTimeFormat())",
            // ICU does not always survive an allocation that fails
            {v1::OUTCOME_MEMORY, v1::OUTCOME_SCRIPT_ERROR, v1::OUTCOME_TIMEOUT, v1::OUTCOME_KILLED}
        },
        Hostile{
            "EndlessMicrotasks",
            "function again() { Promise.resolve().then(again) } again(); await new Promise(() => "
            "{})",
            {v1::OUTCOME_TIMEOUT}
        },
        Hostile{"EndlessConsole", "for (;;) console.log('again')", {v1::OUTCOME_TIMEOUT}},
        Hostile{"NeverSettles", "await new Promise(() => {})", {v1::OUTCOME_DEADLOCK}},
        Hostile{
            "FillWithoutEnd",
            "const a = new Uint8Array(50_000_000); for (;;) a.fill(1)",
            {v1::OUTCOME_TIMEOUT}
        }
    ),
    [](const auto& info) { return std::string(info.param.name); }
);

TEST(CodemodeRunnerLife, DrainsWhatRunsAndLeavesNothing) {
  RunnerProcess runner;
  RunnerService service(runner.sockets(), "one");
  ASSERT_TRUE(serve_until(
      {&service}, [&] { return !service.introductions().empty(); }, kStart
  )) << runner.log();
  std::optional<wire::ToolCall> waiting;
  service.answer_calls([&](const wire::ToolCall& call) -> std::optional<wire::CallResult> {
    waiting = call;
    return std::nullopt;
  });
  const std::string id = service.ask("await test.wait({}); return 1");
  ASSERT_TRUE(serve_until({&service}, [&] { return waiting.has_value(); }, kLongest));
  std::vector<pid_t> below = runner.zygotes("executor");
  ASSERT_THAT(below, SizeIs(1));
  const auto children = RunnerProcess::children_of(below[0]);
  ASSERT_FALSE(children.empty());
  below.insert(below.end(), children.begin(), children.end());

  runner.process().kill(SIGTERM);
  service.ask("return 2");
  ASSERT_TRUE(serve_until({&service}, [&] { return service.refused().size() == 1; }, kLongest));
  EXPECT_TRUE(serve_until(
      {&service}, [&] { return service.finished(id) != nullptr; }, kLongest
  ));  // its wall limit
  const auto code = runner.process().wait(10s);

  ASSERT_TRUE(code.ok());
  EXPECT_EQ(code.value(), 0);
  EXPECT_TRUE(eventually(
      [&] {
        return std::none_of(below.begin(), below.end(), [](pid_t pid) {
          return ::kill(pid, 0) == 0 &&
                 read_text("/proc/" + std::to_string(pid) + "/stat").find(") Z ") ==
                     std::string::npos;
        });
      },
      5s
  ));
}

TEST(CodemodeRunnerLife, AKilledRunnerLeavesNothing) {
  RunnerProcess runner;
  RunnerService service(runner.sockets(), "one");
  ASSERT_TRUE(serve_until(
      {&service}, [&] { return !service.introductions().empty(); }, kStart
  )) << runner.log();
  std::vector<pid_t> below = runner.zygotes("executor");
  for (const pid_t zygote : runner.zygotes("compiler")) {
    below.push_back(zygote);
  }
  ASSERT_THAT(below, SizeIs(2));

  runner.process().kill(SIGKILL);

  EXPECT_TRUE(eventually(
      [&] {
        return std::none_of(below.begin(), below.end(), [](pid_t pid) {
          return ::kill(pid, 0) == 0 &&
                 read_text("/proc/" + std::to_string(pid) + "/stat").find(") Z ") ==
                     std::string::npos;
        });
      },
      5s
  ));
}

TEST(CodemodeRunnerLife, RenewsItsZygotesInPassing) {
  RunnerProcess runner({"--children-per-zygote", "12"});
  RunnerService service(runner.sockets(), "one");
  ASSERT_TRUE(serve_until(
      {&service}, [&] { return !service.introductions().empty(); }, kStart
  )) << runner.log();
  const auto first = runner.zygotes("executor");
  ASSERT_THAT(first, SizeIs(1));

  std::set<pid_t> seen;
  for (int i = 0; i < 60; ++i) {
    const std::string id = service.ask("return " + std::to_string(i % 3));
    ASSERT_TRUE(serve_until({&service}, [&] { return service.finished(id) != nullptr; }, kLongest));
    EXPECT_EQ(service.finished(id)->outcome(), v1::OUTCOME_OK)
        << service.finished(id)->ShortDebugString();
  }
  EXPECT_TRUE(serve_until(
      {&service},
      [&] {
        const auto now = runner.zygotes("executor");
        return now.size() == 1 && now[0] != first[0];
      },
      kStart
  ));
  EXPECT_THAT(service.refused(), SizeIs(0));
}

TEST(CodemodeRunnerLife, WrongArgumentsAreToldAndEndIt) {
  auto process = Process::spawn(
      {.argv =
           {environment_or("SLUICE_BUILD_DIR", "build/dev") + "/bin/codemode-runner", "--slots", "0"
           },
       .environment = {},
       .output_file = "/dev/null",
       .working_directory = {}}
  );
  ASSERT_TRUE(process.ok());

  const auto code = process.value()->wait(10s);

  ASSERT_TRUE(code.ok());
  EXPECT_EQ(code.value(), 2);
}

}  // namespace
}  // namespace sluice::tests
