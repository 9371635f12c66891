#include "services/codemode-sandbox/runner/v8/run_state.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <limits>
#include <system_error>

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
  std::int64_t cpu_at_start_us = 0;
};

// What the signal handler works on.
Timers& timers() {
  static Timers one;
  return one;
}

void on_wall_timer(int /*signal*/) {
  const int number = errno;
  const Timers& told = timers();
  if (told.state != nullptr) {
    told.state->wall_over = 1;
    told.stop();
  }
  errno = number;
}

std::int64_t cpu_used_us() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  constexpr std::int64_t kNsPerUs = 1'000;
  return used.tv_sec * kUsPerSecond + used.tv_nsec / kNsPerUs;
}

// Every kRepeatUs of computing time.
void on_cpu_timer(int /*signal*/) {
  const int number = errno;
  const Timers& told = timers();
  if (told.state != nullptr) {
    const std::int64_t used = cpu_used_us() - told.cpu_at_start_us;
    if (used >= std::int64_t{told.state->limits.cpu_ms()} * kUsPerMs) {
      told.state->cpu_over = 1;
      told.stop();
    }
  }
  errno = number;
}

timeval time_of(std::int64_t us) {
  return {.tv_sec = us / kUsPerSecond, .tv_usec = us % kUsPerSecond};
}

Result<void> set_timer(__itimer_which kind, std::int64_t after_us) {
  const itimerval when{.it_interval = time_of(kRepeatUs), .it_value = time_of(after_us)};
  if (::setitimer(kind, &when, nullptr) != 0) {
    return Error(Code::Internal, "the run's timers cannot be set")
        .with_detail(std::generic_category().message(errno));
  }
  return {};
}

Result<void> start_timer(
    __itimer_which kind, int signal, void (*handler)(int), std::int64_t after_us
) {
  struct sigaction action{};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  if (::sigaction(signal, &action, nullptr) != 0) {
    return Error(Code::Internal, "the run's timers cannot be set")
        .with_detail(std::generic_category().message(errno));
  }
  return set_timer(kind, after_us);
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
  timers() = {.state = &state, .stop = stop, .cpu_at_start_us = cpu_used_us()};
  const auto wall_us = std::int64_t{state.limits.wall_ms()} * kUsPerMs;
  SLUICE_CHECK_OK(start_timer(ITIMER_REAL, SIGALRM, on_wall_timer, wall_us));
  return start_timer(ITIMER_PROF, SIGPROF, on_cpu_timer, kRepeatUs);
}

Result<void> set_parked(RunState& state, bool parked) {
  if (parked == state.parked || state.wall_over != 0) {
    return {};
  }
  using std::chrono::microseconds;
  const auto now = FrameStream::Deadline::clock::now();
  state.parked = parked;
  if (parked) {
    state.left_when_parked =
        std::max<FrameStream::Deadline::duration>(state.deadline - now, microseconds(kRepeatUs));
    state.deadline = now + kParkedMax;
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    return {};
  }
  state.deadline = now + state.left_when_parked;
  return set_timer(
      ITIMER_REAL, std::chrono::duration_cast<microseconds>(state.left_when_parked).count()
  );
}

void stop_timers() {
  timers().state = nullptr;
}

}  // namespace sluice::codemode_runner
