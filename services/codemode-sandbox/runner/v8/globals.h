// What a script finds in the global object before its tools come: an allow-list, so that a newer V8
// adds nothing unseen.
#pragma once

#include "common/base/result.h"

#include <v8-context.h>

#include <span>

namespace sluice::codemode_runner {

// Sorted. "console" is ours. Not in it are, among others, eval, WebAssembly, SharedArrayBuffer and
// Atomics, and what shows when garbage is collected: WeakRef, FinalizationRegistry.
[[nodiscard]] std::span<const char* const> allowed_globals();

// Errors: Internal (V8 does not let go of one).
[[nodiscard]] Result<void> remove_other_globals(v8::Local<v8::Context> context);

}  // namespace sluice::codemode_runner
