// codemode-runner: runs scripts in jailed children. One binary, two kinds of process:
//   codemode-runner --sockets <folder>        the supervisor, which starts two of
//   codemode-runner --zygote compiler|executor --control-fd <number>
// The README beside this file tells the rest.
#include "services/codemode-sandbox/runner/child/warm.h"
#include "services/codemode-sandbox/runner/jail/proof.h"
#include "services/codemode-sandbox/runner/supervisor/supervisor.h"
#include "services/codemode-sandbox/runner/zygote/namespaces.h"
#include "services/codemode-sandbox/runner/zygote/zygote.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <sys/prctl.h>

namespace sluice::codemode_runner {
namespace {

constexpr int kExitStopped = 0;
constexpr int kExitFailed = 1;
constexpr int kExitMisused = 2;

using Words = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kUsage =
    "codemode-runner --sockets <folder>      where services bind their sockets\n"
    "  [--slots <1 … 128>]                   runs at a time (default 8)\n"
    "  [--compiler-js <file>]                default: compiler.js beside this program\n"
    "  [--run-directory <folder>]            <runner id>.json stands there while it serves\n"
    "  [--children-per-zygote <number>]      then a fresh zygote takes over (default 5000)\n"
    "  [--log-level debug|info|warn|error] [--log-format text|json]\n";

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

Result<Words> words_of(int count, char** arguments) {
  Words words{
      {"--sockets", ""},
      {"--slots", std::to_string(kSlotsDefault)},
      {"--compiler-js", ""},
      {"--run-directory", ""},
      {"--children-per-zygote", std::to_string(kChildrenPerZygote)},
      {"--log-level", "info"},
      {"--log-format", "text"},
      {"--zygote", ""},
      {"--control-fd", ""},
      {"--instance", ""},
  };
  for (int i = 1; i < count; i += 2) {
    const auto word = words.find(std::string_view(arguments[i]));
    if (word == words.end() || i + 1 == count) {
      return Error(Code::Invalid, std::string(arguments[i]) + " is no option or lacks its value");
    }
    word->second = arguments[i + 1];
  }
  return words;
}

Result<std::uint64_t> number_of(const Words& words, const std::string& name, std::uint64_t max) {
  const std::string& text = words.at(name);
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number == 0 || number > max) {
    return Error(Code::Invalid, name + ": give a number from 1 to " + std::to_string(max));
  }
  return number;
}

Result<std::unique_ptr<observability::Log>> log_of(const Words& words, std::string instance) {
  const std::map<std::string, observability::Level> levels{
      {"debug", observability::Level::Debug},
      {"info", observability::Level::Info},
      {"warn", observability::Level::Warn},
      {"error", observability::Level::Error},
  };
  const auto level = levels.find(words.at("--log-level"));
  const std::string& format = words.at("--log-format");
  if (level == levels.end() || (format != "text" && format != "json")) {
    return Error(Code::Invalid, "--log-level or --log-format is none of those there are");
  }
  return observability::make_stderr_log(
      "codemode-runner", std::move(instance), level->second, format == "json"
  );
}

std::string beside_this_program(std::string_view file) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / file).string();
}

std::int64_t monotonic_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000 + time.tv_nsec / 1'000'000;
}

Result<int> run_zygote(const Words& words) {
  const std::string& kind = words.at("--zygote");
  if (kind != "compiler" && kind != "executor") {
    return Error(Code::Invalid, "--zygote is compiler or executor");
  }
  SLUICE_TRY(const std::uint64_t control, number_of(words, "--control-fd", 1'024));
  SLUICE_TRY(const auto log, log_of(words, words.at("--instance") + "-" + kind));
  const std::int64_t start = monotonic_ms();
  auto warm = kind == "compiler" ? warm_compiler(words.at("--compiler-js")) : warm_executor();
  if (!warm.ok()) {
    log->error("zygote-not-warm", {{"error", warm.error().to_log()}});
    return kExitFailed;
  }
  enter_namespaces(*log);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // entering namespaces may have dropped it
  const ZygoteTold told{.warm_ms = static_cast<std::uint32_t>(monotonic_ms() - start)};
  return zygote_main(static_cast<int>(control), *warm.value(), told, *log);
}

Result<int> run_supervisor(const Words& words) {
  SupervisorOptions options;
  options.runner_id = "runner-" + to_hex(crypto::random_bytes(4));
  options.sockets = words.at("--sockets");
  options.run_directory = words.at("--run-directory");
  if (options.sockets.empty()) {
    return Error(Code::Invalid, "--sockets: name the folder in which services bind their sockets");
  }
  SLUICE_TRY(const std::uint64_t slots, number_of(words, "--slots", kSlotsMax));
  SLUICE_TRY(
      options.children_per_zygote, number_of(words, "--children-per-zygote", kChildrenPerZygote)
  );
  SLUICE_TRY(const auto log, log_of(words, options.runner_id));
  options.slots = static_cast<std::uint32_t>(slots);
  const std::string& given = words.at("--compiler-js");
  options.zygote_arguments = {
      "--compiler-js",
      given.empty() ? beside_this_program("compiler.js") : given,
      "--instance",
      options.runner_id,
      "--log-level",
      words.at("--log-level"),
      "--log-format",
      words.at("--log-format"),
  };
  // Fails closed: without the jail no service is ever told of this runner.
  for (const auto executable : {jail::ExecutableMemory::Refused, jail::ExecutableMemory::Allowed}) {
    if (const auto holds = jail::prove(executable); !holds.ok()) {
      log->error("jail-refused", {{"error", holds.error().to_log()}});
      return holds.error();
    }
  }
  SLUICE_CHECK_OK(supervise(options, *log));
  return kExitStopped;
}

int run(int count, char** arguments) {
  const std::string_view first = count > 1 ? arguments[1] : "";
  if (first == "--help" || first == "--version") {
    print(stdout, first == "--help" ? kUsage : "codemode-runner " SLUICE_VERSION "\n");
    return kExitStopped;
  }
  const auto words = words_of(count, arguments);
  if (!words.ok()) {
    print(stderr, "codemode-runner cannot start: " + words.error().message() + "\n");
    print(stderr, kUsage);
    return kExitMisused;
  }
  const auto code = words.value().at("--zygote").empty() ? run_supervisor(words.value())
                                                         : run_zygote(words.value());
  if (!code.ok()) {
    print(stderr, "codemode-runner cannot start: " + code.error().message() + "\n");
    return code.error().code() == Code::Invalid ? kExitMisused : kExitFailed;
  }
  return code.value();
}

}  // namespace
}  // namespace sluice::codemode_runner

int main(int argc, char** argv) {
  return sluice::codemode_runner::run(argc, argv);
}
