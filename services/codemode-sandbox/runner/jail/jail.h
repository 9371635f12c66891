// The jail of a child: what native code in it could still do when V8 has fallen. Closed in two
// steps, because the limits come with the first message. Nothing of it can be undone.
#pragma once

#include "services/codemode-sandbox/runner/jail/seccomp.h"

#include "common/base/result.h"

#include <cstdint>

#include <sys/types.h>

namespace sluice::codemode_runner::jail {

struct Limits {
  std::uint64_t address_space_bytes = 0;  // of the whole process, with what it was forked with
  std::uint32_t cpu_s = 0;                // SIGXCPU then, SIGKILL a second later
};

// Before the first message is read: the four walls below, in their order.
// zygote: pid of the parent. Errors: Internal (the child must end).
[[nodiscard]] Result<void> close_outer(pid_t zygote);

// Dies with the zygote.
[[nodiscard]] Result<void> bind_to(pid_t zygote);
// No privileges to gain, not traceable.
[[nodiscard]] Result<void> give_up_privileges();
// No file system: Landlock handles every right and grants none.
[[nodiscard]] Result<void> deny_files();
// No new descriptor, process, file, core dump, locked memory or message queue.
[[nodiscard]] Result<void> deny_resources();

// Before the first line of the script: memory and CPU limits, then system calls.
// Errors: Internal (the child must end).
[[nodiscard]] Result<void> close_inner(const Limits& limits, const SeccompProgram& system_calls);

// Landlock of this kernel; 0 when it has none.
[[nodiscard]] int landlock_version();

}  // namespace sluice::codemode_runner::jail
