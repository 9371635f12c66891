// console.log, info, warn, error and debug of a script: one Console message a call.
#pragma once

#include "services/codemode-sandbox/runner/v8/run_state.h"

#include <v8.h>

#include <string>

namespace sluice::codemode_runner {

class Console {
 public:
  explicit Console(RunState& state) : state_(state) {}

  // Puts the five functions into the context's console. Outlives the context.
  void install(v8::Local<v8::Context> context);

  // Sends a line as the script would. cut_bytes: what is already missing from it.
  void write(const char* level, std::string text, std::uint64_t cut_bytes);

  [[nodiscard]] RunState& state() { return state_; }

 private:
  RunState& state_;
};

}  // namespace sluice::codemode_runner
