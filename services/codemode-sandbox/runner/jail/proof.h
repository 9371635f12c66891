// Whether the walls of a jail hold on this machine: tried in a process of its own before anything
// is served, because a wall can be refused, and a kernel or a container can answer that it was
// raised when it was not.
#pragma once

#include "services/codemode-sandbox/runner/jail/jail.h"

namespace sluice::codemode_runner::jail {

// Forks; the process must have one thread. At most 5 s.
// Errors: Unavailable (its detail tells which wall and why: no code may be run here).
[[nodiscard]] Result<void> prove(ExecutableMemory executable);

}  // namespace sluice::codemode_runner::jail
