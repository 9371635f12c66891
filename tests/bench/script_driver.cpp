// The service's side of ./dev bench codemode: asks one runner for scripts and prints figures as one
// line of JSON.
//
// script_driver --sockets <folder> --mode one|many|calls|hold --runs N [--at-once N] [--distinct 1]
//               [--park 1] [--checked 1]
//   one    one script after the other: µs to what the compiler found, to the first line of
//          the script, and to Finished
//   many   N at once, all the time: scripts per second
//   calls  one script with N calls of a tool, awaited one by one, and one with N, 100 at a time
//   hold   N scripts that wait for a tool, parked where told: prints "holding", ends with its
//          standard input
// The script of one and many is trivial; with --checked it has 30 lines and is checked against 100
// tools.
#include "tests/integration/runner_service.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
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
  bool park = false;
  bool checked = false;
};

constexpr int kServers = 5;
constexpr int kToolsOfServer = 20;

// As the service writes them: 100 tools of five servers, half of them with a type of their result.
std::string declarations() {
  std::string text;
  for (int server = 0; server < kServers; ++server) {
    const std::string name = "server" + std::to_string(server);
    text += "declare const " + name + ": {\n  readonly \"~\": \"" + name + "\";\n";
    for (int tool = 0; tool < kToolsOfServer; ++tool) {
      text +=
          "  tool" + std::to_string(tool) +
          "(args: { query: string; limit?: number; order?: \"newest\" | \"oldest\" | \"best\"; "
          "filters?: { field: string; operator: \"=\" | \"<\" | \">\"; value: string | number | "
          "boolean }[]; labels?: string[]; page?: { size: number; token?: string }; [k: string]: "
          "any }): Promise<";
      text += tool % 2 == 0 ? "any"
                            : "{ items: { id: string; title: string; state: \"open\" | \"closed\"; "
                              "labels: string[]; user?: { login: string } }[]; next?: string }";
      text += ">;\n";
    }
    text += "};\n";
  }
  return text;
}

constexpr const char* kThirtyLines = R"(const queries: string[] = ["one", "two", "three"];
interface Summary { query: string; open: number; closed: number; top: string[] }
const summary: Summary[] = [];
for (const query of queries.slice(0, 1)) {
  const [open, closed] = await Promise.all([
    server0.tool1({ query, order: "newest", limit: 50 }),
    server1.tool1({ query, filters: [{ field: "state", operator: "=", value: "closed" }] }),
  ]);
  const byLabel = new Map<string, number>();
  for (const item of [...open.items, ...closed.items]) {
    for (const label of item.labels) {
      byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
    }
  }
  const top = [...byLabel.entries()]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, count]) => `${name} (${count})`);
  summary.push({ query, open: open.items.length, closed: closed.items.length, top });
}
const lines = summary.map((s) => `| ${s.query} | ${s.open} | ${s.closed} | ${s.top.join(", ") || "-"} |`);
const table = ["| query | open | closed | labels |", "|---|---|---|---|", ...lines].join("\n");
const worst = summary.reduce((a, b) => (a.open > b.open ? a : b));
try {
  const saved = await server2.tool2({ query: table, labels: [worst.query] });
  console.log(`saved ${saved.items.length}`);
} catch (error) {
  console.error(error.message);
}
return { queries: summary.length, open: summary.reduce((n, s) => n + s.open, 0), worst: worst.query };)";

// Distinct ones are new to the runner's cache also after an earlier run of this program.
std::string source_of(const Options& options, int number) {
  const std::string comment =
      options.distinct ? " // " + std::to_string(::getpid()) + "." + std::to_string(number) : "";
  return options.checked ? kThirtyLines + comment
                         : "const answer: number = 42;" + comment + "\nreturn answer";
}

tests::wire::Run run_of(const Options& options, int number) {
  tests::wire::Run run = RunnerService::ordinary(source_of(options, number));
  if (options.checked) {
    run.set_declarations(declarations());
    run.clear_namespaces();
    for (int server = 0; server < kServers; ++server) {
      auto& space = *run.add_namespaces();
      space.set_name("server" + std::to_string(server));
      for (int tool = 0; tool < kToolsOfServer; ++tool) {
        space.add_functions("tool" + std::to_string(tool));
      }
    }
  }
  return run;
}

std::int64_t quantile(std::vector<std::int64_t>& values, double share) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values.empty() ? -1 : values[static_cast<std::size_t>(share * last)];
}

void print_times(const char* name, std::vector<std::int64_t> values) {
  std::printf(
      R"("%s": {"p50": %lld, "p95": %lld, "p99": %lld, "max": %lld}, )",
      name,
      static_cast<long long>(quantile(values, 0.5)),
      static_cast<long long>(quantile(values, 0.95)),
      static_cast<long long>(quantile(values, 0.99)),
      static_cast<long long>(quantile(values, 1))
  );
}

int one_by_one(RunnerService& service, const Options& options) {
  std::vector<std::int64_t> first_line;
  std::vector<std::int64_t> compiled;
  std::vector<std::int64_t> started;
  std::vector<std::int64_t> checked;
  std::vector<std::int64_t> finished;
  int failed = 0;
  for (int i = 0; i < options.runs; ++i) {
    const auto begin = Clock::now();
    const std::string id = service.ask(run_of(options, i));
    const auto answered = [&] {
      return service.checked(id) != nullptr || service.finished(id) != nullptr;
    };
    serve_until({&service}, answered, kLongest);
    const auto check = Clock::now() - begin;
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
    checked.push_back(std::chrono::duration_cast<std::chrono::microseconds>(check).count());
    compiled.push_back(result.compile_us());
    started.push_back(result.start_us());
    first_line.push_back(std::int64_t{result.compile_us()} + result.start_us());
    finished.push_back(took.count());
  }
  std::printf("{");
  print_times("first_line", first_line);
  print_times("compile", compiled);
  print_times("start", started);
  print_times("checked", checked);
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
      service.ask(run_of(options, asked++));
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

// Microseconds of each call of a script that does nothing else; < 0: it did not end well.
double microseconds_per_call(RunnerService& service, const std::string& source, int calls) {
  auto run = RunnerService::ordinary(source);
  run.mutable_limits()->set_calls_max(static_cast<std::uint32_t>(calls));
  run.mutable_limits()->set_wall_ms(30'000);
  run.mutable_limits()->set_cpu_ms(30'000);
  const std::string id = service.ask(run);
  const bool ended =
      serve_until({&service}, [&] { return service.finished(id) != nullptr; }, kLongest);
  if (!ended || service.finished(id)->outcome() != codemode::v1::OUTCOME_OK) {
    return -1;
  }
  return static_cast<double>(service.finished(id)->wall_us()) / calls;
}

int call_tools(RunnerService& service, const Options& options) {
  service.answer_calls([](const tests::wire::ToolCall& call) {
    tests::wire::CallResult result;
    result.set_value(call.arguments());
    return std::optional(result);
  });
  const std::string count = std::to_string(options.runs);
  const double alone = microseconds_per_call(
      service,
      "for (let i = 0; i < " + count + "; i++) await test.echo({i}); return 1",
      options.runs
  );
  const double together = microseconds_per_call(
      service,
      "for (let i = 0; i < " + count +
          "; i += 100) await Promise.all(Array.from({length: 100}, (_, n) => test.echo({i, n}))); "
          "return 1",
      options.runs
  );
  if (alone < 0 || together < 0) {
    std::fprintf(stderr, "a script that calls tools did not end well\n");
    return 1;
  }
  std::printf(
      R"({"one_by_one_us": %.1f, "hundred_at_once_us": %.1f, "failed": 0})", alone, together
  );
  std::printf("\n");
  return 0;
}

int hold(RunnerService& service, const Options& options) {
  for (int i = 0; i < options.runs; ++i) {
    auto run = RunnerService::ordinary("await test.wait({}); return 1");
    run.mutable_limits()->set_wall_ms(30'000);
    const std::string id = service.ask(run);
    const auto calls = static_cast<std::size_t>(i) + 1;
    if (options.park) {  // parked it takes no slot, so that more can be held than there are
      if (!serve_until({&service}, [&] { return service.calls().size() == calls; }, kLongest)) {
        break;
      }
      service.park(id, true);
    }
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
  options->park = number("--park", 0) != 0;
  options->checked = number("--checked", 0) != 0;
  return !options->sockets.empty() && options->runs > 0 && options->at_once > 0;
}

int run(int count, char** words) {
  Options options;
  if (!read_options(count, words, &options)) {
    std::fprintf(stderr, "script_driver --sockets <folder> --mode one|many|calls|hold --runs N\n");
    return 2;
  }
  RunnerService service(options.sockets, "bench");
  if (!serve_until({&service}, [&] { return !service.introductions().empty(); }, kStart)) {
    std::fprintf(stderr, "no runner introduced itself within a minute\n");
    return 1;
  }
  if (options.checked) {
    service.answer_calls([](const tests::wire::ToolCall&) {
      tests::wire::CallResult result;
      result.set_value(R"({"items": []})");
      return std::optional(result);
    });
  }
  if (options.mode == "many") {
    return many(service, options);
  }
  if (options.mode == "calls") {
    return call_tools(service, options);
  }
  return options.mode == "hold" ? hold(service, options) : one_by_one(service, options);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(argc, argv);
}
