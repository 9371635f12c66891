// How a child ended that did not say so itself: from wait status to outcome. Pure.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include <cstdint>

namespace sluice::codemode_runner {

// Exit codes of a child. Any other code is a fault of the child.
inline constexpr int kExitDone = 0;       // its last message is in the socket
inline constexpr int kExitMemory = 70;    // out of memory, and nothing could be sent
inline constexpr int kExitTimeout = 71;   // the time was over before the last message was sent
inline constexpr int kExitNoRunner = 72;  // the other end of the socket is gone
inline constexpr int kExitJail = 73;      // the jail did not close; no script was run
inline constexpr int kExitProtocol = 74;  // the first message was none or no valid one

struct ChildEnd {
  int wait_status = 0;           // of waitpid(2)
  bool deadline_passed = false;  // the supervisor killed it because its time was over
  std::uint32_t calls = 0;       // tool calls seen from it
  std::uint64_t user_us = 0;
  std::uint64_t system_us = 0;
  std::uint32_t memory_peak_kib = 0;
};

// The Finished of a child that ended without sending one. Never OK. calls, cpu_us and
// memory_peak_kib are taken over; run_id and the remaining times are the caller's to fill.
//   SIGTRAP, SIGILL, SIGABRT (V8's fatal errors), kExitMemory   MEMORY
//   SIGXCPU, kExitTimeout, SIGKILL after the deadline           TIMEOUT
//   everything else                                             KILLED
[[nodiscard]] codemode::runner::Finished outcome_of(const ChildEnd& end);

// The child tried what its jail forbids (SIGSYS): worth an alert.
[[nodiscard]] bool is_jail_violation(int wait_status);

}  // namespace sluice::codemode_runner
