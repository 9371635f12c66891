#include "services/codemode-sandbox/runner/v8/run_state.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>

#include <sys/resource.h>
#include <sys/time.h>

namespace sluice::codemode_runner {
namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::uint32_t kUsPerMs = 1'000;
// Repeated, because a signal may come between a check and a wait.
constexpr std::int64_t kRepeatUs = 10'000;

struct Timers {
  RunState* state = nullptr;  // null: nothing is to be stopped
  void (*stop)() = nullptr;
};

// What the signal handler works on.
Timers& timers() {
  static Timers one;
  return one;
}

void on_timer(int signal) {
  const int number = errno;
  const Timers& told = timers();
  if (told.state != nullptr) {
    (signal == SIGALRM ? told.state->wall_over : told.state->cpu_over) = 1;
    told.stop();
  }
  errno = number;
}

timeval time_of(std::int64_t us) {
  return {.tv_sec = us / kUsPerSecond, .tv_usec = us % kUsPerSecond};
}

Result<void> start_timer(__itimer_which kind, int signal, std::int64_t after_us) {
  struct sigaction action{};
  action.sa_handler = on_timer;
  sigemptyset(&action.sa_mask);
  const itimerval when{.it_interval = time_of(kRepeatUs), .it_value = time_of(after_us)};
  if (::sigaction(signal, &action, nullptr) != 0 || ::setitimer(kind, &when, nullptr) != 0) {
    return Error(Code::Internal, "the run's timers cannot be set")
        .with_detail(std::strerror(errno));
  }
  return {};
}

std::uint32_t capped(std::int64_t us) {
  constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(us, kMax));
}

std::int64_t us_of(const timeval& time) {
  return time.tv_sec * kUsPerSecond + time.tv_usec;
}

}  // namespace

bool RunState::send(const wire::FromChild& message) {
  const auto sent = stream->send(message, deadline);
  if (sent.ok()) {
    return true;
  }
  if (sent.error().code() == Code::Deadline) {
    wall_over = 1;
  } else {
    runner_gone = true;
  }
  return false;
}

std::uint32_t elapsed_us(const RunState& state) {
  using std::chrono::microseconds;
  const auto time = FrameStream::Deadline::clock::now() - state.started;
  return capped(std::chrono::duration_cast<microseconds>(time).count());
}

void fill_usage(wire::Finished& finished, const RunState& state) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  finished.set_calls(state.calls);
  finished.set_console_bytes_dropped(state.console_dropped);
  finished.set_start_us(state.start_us);
  finished.set_wall_us(elapsed_us(state));
  finished.set_cpu_us(capped(us_of(used.ru_utime) + us_of(used.ru_stime)));
  finished.set_memory_peak_kib(static_cast<std::uint32_t>(used.ru_maxrss));
}

Result<void> start_timers(RunState& state, void (*stop)()) {
  timers() = {.state = &state, .stop = stop};
  const auto wall_us = std::int64_t{state.limits.wall_ms()} * kUsPerMs;
  const auto cpu_us = std::int64_t{state.limits.cpu_ms()} * kUsPerMs;
  SLUICE_CHECK_OK(start_timer(ITIMER_REAL, SIGALRM, wall_us));
  return start_timer(ITIMER_PROF, SIGPROF, cpu_us);
}

void stop_timers() {
  timers().state = nullptr;
}

}  // namespace sluice::codemode_runner
