#include "services/codemode-sandbox/runner/child/exit_status.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <string>

#include <sys/wait.h>

namespace sluice::codemode_runner {
namespace {

namespace wire = ::sluice::codemode::runner;

void fail(
    wire::Finished& finished, codemode::v1::Outcome outcome, std::string message, const char* hint
) {
  finished.set_outcome(outcome);
  finished.mutable_error()->set_message(std::move(message));
  finished.mutable_error()->set_hint(hint);
}

void memory(wire::Finished& finished) {
  fail(
      finished,
      codemode::v1::OUTCOME_MEMORY,
      "the script needed more memory than it may have",
      "hold less at a time: filter and count in the script instead of collecting everything"
  );
}

void timeout(wire::Finished& finished) {
  fail(
      finished,
      codemode::v1::OUTCOME_TIMEOUT,
      "the script ran longer than it may",
      "look for a loop that does not end, or do the work in several scripts"
  );
}

void killed(wire::Finished& finished, std::string message) {
  fail(
      finished,
      codemode::v1::OUTCOME_KILLED,
      std::move(message),
      "calls made before may have had their effect: look before you run it again"
  );
}

void by_signal(wire::Finished& finished, int signal, bool deadline_passed) {
  switch (signal) {
    case SIGTRAP:
    case SIGILL:
    case SIGABRT:
      return memory(finished);
    case SIGXCPU:
      return timeout(finished);
    case SIGKILL:
      if (deadline_passed) {
        return timeout(finished);
      }
      return killed(finished, "the script's process was killed");
    case SIGSYS:
      return killed(finished, "the script's process tried what its jail forbids");
    default:
      return killed(finished, "the script's process ended by signal " + std::to_string(signal));
  }
}

void by_exit(wire::Finished& finished, int code) {
  switch (code) {
    case kExitMemory:
      return memory(finished);
    case kExitTimeout:
      return timeout(finished);
    case kExitJail:
      return killed(finished, "the script's jail could not be closed; nothing was run");
    default:
      return killed(
          finished,
          "the script's process ended with code " + std::to_string(code) + " and no result"
      );
  }
}

}  // namespace

wire::Finished outcome_of(const ChildEnd& end) {
  wire::Finished finished;
  if (WIFSIGNALED(end.wait_status)) {
    by_signal(finished, WTERMSIG(end.wait_status), end.deadline_passed);
  } else if (WIFEXITED(end.wait_status)) {
    by_exit(finished, WEXITSTATUS(end.wait_status));
  } else {
    killed(finished, "the script's process ended without a known reason");
  }
  finished.set_calls(end.calls);
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  finished.set_cpu_us(static_cast<std::uint32_t>(std::min(end.user_us + end.system_us, kMax)));
  finished.set_memory_peak_kib(end.memory_peak_kib);
  return finished;
}

bool is_jail_violation(int wait_status) {
  return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS;
}

}  // namespace sluice::codemode_runner
