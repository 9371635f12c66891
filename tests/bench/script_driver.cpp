// The service's side of ./dev bench codemode: asks one runner for scripts and prints figures as one
// line of JSON.
//
// script_driver --sockets <folder> --mode one|many|hold --runs N [--at-once N] [--distinct 1]
//   one    one script after the other: µs to the first line of the script, and to Finished
//   many   N at once, all the time: scripts per second
//   hold   N scripts that wait for a tool: prints "holding", ends with its standard input
#include "tests/integration/runner_service.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using tests::RunnerService;
using tests::serve_until;

constexpr auto kStart = 60s;
constexpr auto kLongest = 60s;

struct Options {
  std::string sockets;
  std::string mode = "one";
  int runs = 100;
  int at_once = 4;
  bool distinct = false;
};

// Distinct ones are new to the runner's cache also after an earlier run of this program.
std::string source_of(const Options& options, int number) {
  const std::string answer = std::to_string(options.distinct ? number : 42);
  const std::string comment = options.distinct ? " // " + std::to_string(::getpid()) : "";
  return "const answer: number = " + answer + ";" + comment + "\nreturn answer";
}

std::int64_t quantile(std::vector<std::int64_t>& values, double share) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values.empty() ? -1 : values[static_cast<std::size_t>(share * last)];
}

void print_times(const char* name, std::vector<std::int64_t> values) {
  std::printf(
      R"("%s": {"p50": %lld, "p95": %lld, "max": %lld}, )",
      name,
      static_cast<long long>(quantile(values, 0.5)),
      static_cast<long long>(quantile(values, 0.95)),
      static_cast<long long>(quantile(values, 1))
  );
}

int one_by_one(RunnerService& service, const Options& options) {
  std::vector<std::int64_t> first_line;
  std::vector<std::int64_t> compiled;
  std::vector<std::int64_t> started;
  std::vector<std::int64_t> finished;
  int failed = 0;
  for (int i = 0; i < options.runs; ++i) {
    const auto begin = Clock::now();
    const std::string id = service.ask(source_of(options, i));
    if (!serve_until({&service}, [&] { return service.finished(id) != nullptr; }, kLongest)) {
      std::fprintf(stderr, "no answer within a minute\n");
      return 1;
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    const tests::wire::Finished& result = *service.finished(id);
    failed += result.outcome() == codemode::v1::OUTCOME_OK ? 0 : 1;
    if (i == 0 && !options.distinct) {
      continue;  // the one that is compiled
    }
    compiled.push_back(result.compile_us());
    started.push_back(result.start_us());
    first_line.push_back(std::int64_t{result.compile_us()} + result.start_us());
    finished.push_back(took.count());
  }
  std::printf("{");
  print_times("first_line", first_line);
  print_times("compile", compiled);
  print_times("start", started);
  print_times("finished", finished);
  std::printf(R"("runs": %zu, "failed": %d})", finished.size(), failed);
  std::printf("\n");
  return 0;
}

int many(RunnerService& service, const Options& options) {
  const auto begin = Clock::now();
  int asked = 0;
  std::size_t done = 0;
  while (done < static_cast<std::size_t>(options.runs)) {
    const auto under_way = static_cast<std::size_t>(asked) - done;
    if (asked < options.runs && under_way < static_cast<std::size_t>(options.at_once)) {
      service.ask(source_of(options, asked++));
      continue;
    }
    service.pump(5ms);
    done = service.finished_count() + service.refused().size();
    if (Clock::now() - begin > kLongest) {
      std::fprintf(stderr, "not done within a minute\n");
      return 1;
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::size_t failed = service.refused().size();
  for (const auto& [id, result] : service.all_finished()) {
    failed += result.outcome() == codemode::v1::OUTCOME_OK ? 0 : 1;
  }
  std::printf(
      R"({"per_second": %.1f, "runs": %d, "failed": %zu})",
      options.runs / seconds,
      options.runs,
      failed
  );
  std::printf("\n");
  return 0;
}

int hold(RunnerService& service, const Options& options) {
  for (int i = 0; i < options.runs; ++i) {
    auto run = RunnerService::ordinary("await test.wait({}); return 1");
    run.mutable_limits()->set_wall_ms(30'000);
    service.ask(run);
  }
  const auto all = static_cast<std::size_t>(options.runs);
  if (!serve_until({&service}, [&] { return service.calls().size() == all; }, kLongest)) {
    std::fprintf(stderr, "not all scripts called their tool\n");
    return 1;
  }
  std::printf("holding\n");
  std::fflush(stdout);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return serve_until({&service}, [&] { return ::poll(&input, 1, 0) != 0; }, kLongest) ? 0 : 1;
}

bool read_options(int count, char** words, Options* options) {
  std::map<std::string, std::string, std::less<>> given;
  for (int i = 1; i + 1 < count; i += 2) {
    given[words[i]] = words[i + 1];
  }
  const auto number = [&](const char* name, int fallback) {
    const auto found = given.find(name);
    if (found != given.end()) {
      const std::string& text = found->second;
      std::from_chars(text.data(), text.data() + text.size(), fallback);
    }
    return fallback;
  };
  options->sockets = given["--sockets"];
  options->mode = given["--mode"];
  options->runs = number("--runs", options->runs);
  options->at_once = number("--at-once", options->at_once);
  options->distinct = number("--distinct", 0) != 0;
  return !options->sockets.empty() && options->runs > 0 && options->at_once > 0;
}

int run(int count, char** words) {
  Options options;
  if (!read_options(count, words, &options)) {
    std::fprintf(stderr, "script_driver --sockets <folder> --mode one|many|hold --runs N\n");
    return 2;
  }
  RunnerService service(options.sockets, "bench");
  if (!serve_until({&service}, [&] { return !service.introductions().empty(); }, kStart)) {
    std::fprintf(stderr, "no runner introduced itself within a minute\n");
    return 1;
  }
  if (options.mode == "many") {
    return many(service, options);
  }
  return options.mode == "hold" ? hold(service, options) : one_by_one(service, options);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(argc, argv);
}
