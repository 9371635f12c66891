// What a child says when it can no longer work: out of memory, or no way on. A Finished with
// MEMORY, made in memory kept back for it.
#pragma once

#include "services/codemode-sandbox/runner/v8/run_state.h"

#include <v8.h>

namespace sluice::codemode_runner {

// From here on V8's fatal out-of-memory, operator new without memory and std::terminate send
// Finished{MEMORY} and end the process. Once per process; state lives until it ends.
void arm_last_words(v8::Isolate* isolate, const RunState& state);

// The same without anything to send: the process ends with kExitMemory. For compiler children.
void arm_silent_last_words(v8::Isolate* isolate);

// The C library can give no more memory worth speaking of: what failed, failed for want of it.
[[nodiscard]] bool out_of_address_space();

// Finished{MEMORY} without usage.
[[nodiscard]] wire::Finished finished_memory();

}  // namespace sluice::codemode_runner
