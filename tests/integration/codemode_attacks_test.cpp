// Every script of services/codemode-sandbox/runner/v8/attacks in a real runner: supervisor,
// zygotes, jailed children. Judged from outside; ordinary runs beside them must not notice.
#include "tests/integration/attack_cases.h"
#include "tests/integration/runner_rig.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <unistd.h>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

constexpr auto kStart = 60s;
constexpr auto kLongest = 15s;
constexpr std::size_t kAtOnce = 4;  // of the runner's eight slots
constexpr std::size_t kParts = 8;
constexpr std::size_t kQuietRuns = 100;  // before each part
constexpr auto kBetweenRuns = 15ms;      // so few that no zygote is renewed meanwhile

// Answers as attacks/README.md tells.
std::optional<wire::CallResult> answer(const wire::ToolCall& call) {
  wire::CallResult result;
  if (call.function() == "echo") {
    result.set_value(call.arguments());
  } else if (call.function() == "fail") {
    result.mutable_error()->set_code("tool_error");
    result.mutable_error()->set_message("__proto__: {toString} ${0} failed");
  } else if (call.function() == "poison") {
    result.set_value(
        R"({"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"then":1,)"
        R"("toJSON":2,"a":1,"length":-1,"prototype":{},"hasOwnProperty":null,"":0,"\u0000":0})"
    );
  } else if (call.function() == "big") {
    result.set_value("\"" + std::string(std::size_t{1} << 20, 'b') + "\"");
  } else {
    return std::nullopt;
  }
  return result;
}

wire::Run run_of(const AttackCase& attack, const std::string& source) {
  wire::Run run = RunnerService::ordinary(source);
  for (const char* tool : {"fail", "poison", "big"}) {
    run.mutable_namespaces(0)->add_functions(tool);
  }
  if (attack.declared) {
    run.set_declarations(
        "declare const test: {\n  readonly \"~\": \"test\";\n"
        "  echo(args: { [k: string]: any }): Promise<any>;\n  fail(args: {}): Promise<any>;\n"
        "  poison(args: {}): Promise<any>;\n  big(args: {}): Promise<any>;\n"
        "  wait(args: {}): Promise<any>;\n};\n"
    );
  }
  run.mutable_limits()->set_wall_ms(attack.wall_ms);
  run.mutable_limits()->set_cpu_ms(attack.wall_ms);
  run.mutable_limits()->set_heap_bytes(std::uint64_t{attack.heap_mib} << 20);
  return run;
}

// Ordinary runs, one after the other, on a connection and a thread of their own.
class Bystander {
 public:
  explicit Bystander(const std::string& sockets) : service_(sockets, "bystander") {
    service_.answer_calls(answer);
  }

  bool introduced() {
    return serve_until({&service_}, [&] { return !service_.introductions().empty(); }, kStart);
  }

  // Microseconds of each run, as its service sees it.
  std::vector<std::int64_t> run(const std::function<bool(std::size_t)>& more) {
    std::vector<std::int64_t> times;
    while (more(times.size())) {
      std::this_thread::sleep_for(kBetweenRuns);
      const auto begun = Clock::now();
      const std::size_t refused = service_.refused().size();
      const std::string id = service_.ask(
          "let sum = 0; for (let i = 0; i < 3; i++) sum += (await test.echo({i})).i; return sum"
      );
      const bool in_time = serve_until(
          {&service_},
          [&] { return service_.finished(id) != nullptr || service_.refused().size() > refused; },
          kLongest
      );
      if (service_.refused().size() > refused) {
        continue;  // an attack's slot is not free yet: asked again
      }
      const wire::Finished* finished = service_.finished(id);
      const bool right = in_time && finished != nullptr && finished->value() == "3";
      wrong_ += right ? 0 : 1;
      if (!in_time) {
        return times;
      }
      times.push_back(
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun).count()
      );
    }
    return times;
  }

  [[nodiscard]] int wrong() const { return wrong_; }

 private:
  RunnerService service_;
  int wrong_ = 0;
};

std::int64_t quantile(std::vector<std::int64_t> values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty()
             ? 0
             : values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

class CodemodeAttacks : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto secret = [] { return "canary-" + to_hex(crypto::random_bytes(12)); };
    secrets() = {
        .canaries = {secret(), secret()},
        .mark_prefix = "mark-" + to_hex(crypto::random_bytes(6)) + "-"
    };
    std::ofstream(file()) << secrets().canaries[0] << "\n";
    runner() = std::make_unique<RunnerProcess>(
        std::vector<std::string>{},
        std::map<std::string, std::string>{{"SLUICE_CANARY", secrets().canaries[1]}}
    );
  }

  static void TearDownTestSuite() { runner().reset(); }

  void SetUp() override {
    service_ = std::make_unique<RunnerService>(runner()->sockets(), "attacks");
    ASSERT_TRUE(serve_until(
        {service_.get()}, [&] { return !service_->introductions().empty(); }, kStart
    )) << runner()->log();
    service_->answer_calls(answer);
  }

  static std::unique_ptr<RunnerProcess>& runner() {
    static std::unique_ptr<RunnerProcess> one;
    return one;
  }

  static Secrets& secrets() {
    static Secrets one;
    return one;
  }

  static std::string file() {
    static const TemporaryDirectory kFolder;
    return kFolder.file("canary.txt");
  }

  static std::string mark(std::size_t number) {
    return secrets().mark_prefix + std::to_string(number) + ".";
  }

  // Runs one and judges it.
  std::vector<std::string> judged(const AttackCase& attack, const wire::Run& run) {
    const std::string id = service_->ask(run);
    EXPECT_TRUE(serve_until(
        {service_.get()}, [&] { return service_->finished(id) != nullptr; }, kLongest
    ));
    return breaches(attack, seen(id), secrets(), mark(0));
  }

  Seen seen(const std::string& id) {
    Seen all;
    if (service_->finished(id) != nullptr) {
      all.finished = *service_->finished(id);
    }
    for (const auto& call : service_->calls()) {
      if (call.run_id() == id) {
        all.calls.push_back(call);
      }
    }
    for (const auto& line : service_->console()) {
      if (line.run_id() == id) {
        all.console.push_back(line);
      }
    }
    return all;
  }

  std::unique_ptr<RunnerService> service_;
};

// --- planted: what the oracle must catch

AttackCase ordinary_case() {
  return {.name = "planted", .source = "", .ends = {codemode::v1::OUTCOME_OK}};
}

TEST_F(CodemodeAttacks, TheOracleSeesACanaryThatATooLeaks) {
  service_->answer_calls([](const wire::ToolCall&) {
    wire::CallResult result;
    result.set_value("\"" + secrets().canaries[0] + "\"");
    return std::optional(result);
  });

  for (const char* script :
       {"return await test.echo({})",
        "console.log(await test.echo({}))",
        "await test.echo({a: await test.echo({})})"}) {
    EXPECT_THAT(
        judged(ordinary_case(), run_of(ordinary_case(), script)),
        ElementsAre("a canary left the run")
    ) << script;
  }
}

TEST_F(CodemodeAttacks, TheOracleSeesAToolThatWasNotGranted) {
  wire::Run run = run_of(ordinary_case(), "await other.steal({}); return 1");
  wire::Namespace& other = *run.add_namespaces();
  other.set_name("other");
  other.add_functions("steal");
  service_->answer_calls([](const wire::ToolCall&) {
    wire::CallResult result;
    result.set_value("1");
    return std::optional(result);
  });

  EXPECT_THAT(judged(ordinary_case(), run), ElementsAre("it called other.steal"));
}

TEST_F(CodemodeAttacks, TheOracleSeesAMarkOfAnotherRunASuccessAndAWrongEnd) {
  EXPECT_THAT(
      judged(ordinary_case(), run_of(ordinary_case(), "return '" + mark(77) + "'")),
      ElementsAre("it saw the mark of another run")
  );
  EXPECT_THAT(
      judged(ordinary_case(), run_of(ordinary_case(), "return 'PW' + 'NED'")),
      ElementsAre("it says that it succeeded")
  );
  EXPECT_THAT(
      judged(ordinary_case(), run_of(ordinary_case(), "throw 1")),
      ElementsAre(HasSubstr("OUTCOME_SCRIPT_ERROR"))
  );
  EXPECT_THAT(
      judged(ordinary_case(), run_of(ordinary_case(), "return '" + mark(0) + "'")), IsEmpty()
  );
}

// --- the child's descriptors

std::string open_descriptors(pid_t pid) {
  std::set<std::string> open;
  std::error_code error;
  for (const auto& one :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    const std::string target = std::filesystem::read_symlink(one.path(), error).string();
    open.insert(one.path().filename().string() + " " + target.substr(0, target.find('[')));
  }
  std::string all;
  for (const std::string& one : open) {
    all += one + ", ";
  }
  return all;
}

TEST_F(CodemodeAttacks, AChildHasItsChannelAndNothingElseOpen) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root sees the descriptors of a process that is not dumpable";
  }
  service_->ask("await test.wait({}); return 1");
  ASSERT_TRUE(serve_until({service_.get()}, [&] { return !service_->calls().empty(); }, kLongest));
  std::size_t looked_at = 0;
  for (const char* kind : {"executor", "compiler"}) {
    for (const pid_t zygote : runner()->zygotes(kind)) {
      for (const pid_t child : RunnerProcess::children_of(zygote)) {
        // One that has just been forked has not set itself up; others end.
        EXPECT_TRUE(eventually(
            [&] {
              const std::string open = open_descriptors(child);
              return open == "0 /dev/null, 1 /dev/null, 2 /dev/null, 3 socket:, " || open.empty();
            },
            5s
        )) << open_descriptors(child);
        ++looked_at;
      }
    }
  }
  EXPECT_GT(looked_at, 3U);
}

// --- the attacks

// Asks for all of them, kAtOnce at a time, and judges each when it has ended.
class Campaign {
 public:
  Campaign(RunnerService& service, std::vector<AttackCase> attacks)
      : service_(service), attacks_(std::move(attacks)) {}

  template <class Prepare, class Judge>
  bool run(const Prepare& prepare, const Judge& judge) {
    std::size_t next = 0;
    std::map<std::string, std::size_t> under_way;
    std::size_t refused = service_.refused().size();
    auto last = Clock::now();
    while (next < attacks_.size() || !under_way.empty()) {
      for (; next < attacks_.size() && under_way.size() < kAtOnce; ++next) {
        under_way.emplace(service_.ask(prepare(attacks_[next], next)), next);
      }
      service_.pump(5ms);
      for (; refused < service_.refused().size(); ++refused) {
        const auto again = under_way.extract(service_.refused()[refused].run_id());
        under_way.emplace(
            service_.ask(prepare(attacks_[again.mapped()], again.mapped())), again.mapped()
        );
      }
      for (auto one = under_way.begin(); one != under_way.end();) {
        if (service_.finished(one->first) != nullptr) {
          judge(attacks_[one->second], one->first, one->second);
          one = under_way.erase(one);
          last = Clock::now();
        } else {
          ++one;
        }
      }
      if (Clock::now() - last > kLongest) {
        return false;
      }
    }
    return true;
  }

 private:
  RunnerService& service_;
  std::vector<AttackCase> attacks_;
};

// Each part has some of every class.
std::vector<std::vector<AttackCase>> parts_of(const std::vector<AttackCase>& attacks) {
  std::vector<std::vector<AttackCase>> parts(kParts);
  for (std::size_t i = 0; i < attacks.size(); ++i) {
    parts[i % kParts].push_back(attacks[i]);
  }
  return parts;
}

// What the campaigns showed, and the times of ordinary runs without and beside them.
struct Record {
  std::map<std::string, int> ends;
  std::vector<std::pair<std::uint32_t, std::string>> longest;
  std::vector<std::int64_t> quiet;
  std::vector<std::int64_t> beside;
  double seconds = 0;

  void print(std::size_t attacks) const {
    const auto ms = [](std::int64_t us) {
      return std::to_string(static_cast<double>(us) / 1000.0).substr(0, 5) + " ms";
    };
    std::string line = std::to_string(attacks) + " attacks in " + std::to_string(seconds) + " s:";
    for (const auto& [outcome, count] : ends) {
      line +=
          " " + outcome.substr(std::string_view("OUTCOME_").size()) + " " + std::to_string(count);
    }
    line += "\nordinary runs, quiet: " + std::to_string(quiet.size()) + ", p50 " +
            ms(quantile(quiet, 0.5)) + ", p99 " + ms(quantile(quiet, 0.99)) +
            "; beside attacks: " + std::to_string(beside.size()) + ", p50 " +
            ms(quantile(beside, 0.5)) + ", p99 " + ms(quantile(beside, 0.99)) + "; ratio of p99 ";
    const auto ratio = static_cast<double>(quantile(beside, 0.99)) /
                       static_cast<double>(std::max<std::int64_t>(1, quantile(quiet, 0.99)));
    line += std::to_string(ratio).substr(0, 4) + "\n";
    auto sorted = longest;
    std::sort(sorted.rbegin(), sorted.rend());
    for (std::size_t i = 0; i < std::min<std::size_t>(5, sorted.size()); ++i) {
      line += "  " + ms(sorted[i].first) + " " + sorted[i].second + "\n";
    }
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
};

TEST_F(CodemodeAttacks, NoneSucceedsAndOthersDoNotNotice) {
  const auto attacks =
      read_attacks(source_directory() + "/services/codemode-sandbox/runner/v8/attacks");
  ASSERT_GE(attacks.size(), 250U);
  const auto executors = runner()->zygotes("executor");
  const auto compilers = runner()->zygotes("compiler");
  Bystander bystander(runner()->sockets());
  ASSERT_TRUE(bystander.introduced());
  Record record;
  std::size_t number = 0;
  const auto prepare = [&](const AttackCase& attack, std::size_t index) {
    return run_of(attack, prepared(attack, file(), mark(number + index)));
  };
  const auto judge = [&](const AttackCase& attack, const std::string& id, std::size_t index) {
    const Seen what = seen(id);
    for (const std::string& broken : breaches(attack, what, secrets(), mark(number + index))) {
      ADD_FAILURE() << attack.name << ": " << broken;
    }
    ++record.ends[codemode::v1::Outcome_Name(what.finished.outcome())];
    record.longest.emplace_back(what.finished.wall_us(), attack.name);
  };
  // In parts, each after a while without attacks: a machine that is busy with other things is so
  // for both.
  for (const std::vector<AttackCase>& part : parts_of(attacks)) {
    const auto quiet = bystander.run([](std::size_t done) { return done < kQuietRuns; });
    record.quiet.insert(record.quiet.end(), quiet.begin(), quiet.end());
    std::atomic<bool> over = false;
    std::vector<std::int64_t> beside;
    std::thread others([&] { beside = bystander.run([&](std::size_t) { return !over.load(); }); });
    const auto begun = Clock::now();
    const bool all_ended = Campaign(*service_, part).run(prepare, judge);
    record.seconds += std::chrono::duration<double>(Clock::now() - begun).count();
    over = true;
    others.join();
    record.beside.insert(record.beside.end(), beside.begin(), beside.end());
    number += part.size();
    ASSERT_TRUE(all_ended) << "an attack has no end";
  }
  record.print(attacks.size());

  EXPECT_TRUE(runner()->process().running());
  EXPECT_EQ(runner()->zygotes("executor"), executors);
  EXPECT_EQ(runner()->zygotes("compiler"), compilers);
  for (const wire::Ready& ready : service_->introductions()) {
    EXPECT_EQ(ready.runner_id(), service_->introductions().front().runner_id());
  }
  EXPECT_EQ(bystander.wrong(), 0);
  EXPECT_THAT(runner()->log(), Not(HasSubstr("jail-violation")));
}

}  // namespace
}  // namespace sluice::tests
