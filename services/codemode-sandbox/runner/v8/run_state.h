// What a run has used and why it must stop. Shared by everything that runs inside a child's V8.
#pragma once

#include "services/codemode-sandbox/runner/child/frames.h"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

namespace sluice::codemode_runner {

// Source: runner_messages.proto and codemode.proto.
inline constexpr std::size_t kArgumentsBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kConsoleLineBytesMax = std::size_t{16} << 10;
inline constexpr std::size_t kErrorMessageBytesMax = std::size_t{4} << 10;
inline constexpr std::size_t kErrorStackBytesMax = std::size_t{8} << 10;
// Calls without a result. Source: the service carries out 16 at a time; further ones only wait.
inline constexpr std::size_t kCallsInFlightMax = 256;
// The longest a parked child waits. Source: ours; the supervisor ends it long before.
inline constexpr std::chrono::hours kParkedMax{1};

// The name of the script in stack traces.
inline constexpr const char* kScriptName = "script.ts";

struct RunState {
  FrameStream* stream = nullptr;
  wire::Limits limits;
  FrameStream::Deadline started;
  FrameStream::Deadline deadline;
  // The run waits for a person: its wall time stands still.
  bool parked = false;
  FrameStream::Deadline::duration left_when_parked{0};

  std::uint32_t start_us = 0;
  std::uint32_t calls = 0;
  std::uint64_t console_left = 0;
  std::uint64_t console_dropped = 0;

  // Set by a signal handler.
  volatile std::sig_atomic_t wall_over = 0;
  volatile std::sig_atomic_t cpu_over = 0;
  // The socket is gone: nobody waits for this run.
  bool runner_gone = false;

  [[nodiscard]] bool time_over() const { return wall_over != 0 || cpu_over != 0; }

  // Sends within the deadline; notes what failed. False: the script must stop.
  bool send(const wire::FromChild& message);
};

// Microseconds since the run began.
[[nodiscard]] std::uint32_t elapsed_us(const RunState& state);

// calls, console_bytes_dropped, start_us, wall_us, cpu_us and memory_peak_kib.
void fill_usage(wire::Finished& finished, const RunState& state);

// From here on SIGALRM (wall) and SIGPROF (CPU) end the script in state's limits: its execution is
// terminated, waits are interrupted. Once per process; state and isolate live until it ends.
// stop() is called from the signal handler. Errors: Internal.
[[nodiscard]] Result<void> start_timers(RunState& state, void (*stop)());

// Holds the wall timer, or lets it go on with what was left. A script that computes meanwhile is
// bounded by its CPU limit. Errors: Internal.
[[nodiscard]] Result<void> set_parked(RunState& state, bool parked);

// The script's last message is being made: it can no longer be stopped.
void stop_timers();

}  // namespace sluice::codemode_runner
