// One run of one script: compiles it, defines its tools, turns its loop, and says how it ended.
#pragma once

#include "services/codemode-sandbox/runner/v8/console.h"
#include "services/codemode-sandbox/runner/v8/engine.h"
#include "services/codemode-sandbox/runner/v8/run_state.h"
#include "services/codemode-sandbox/runner/v8/tool_calls.h"

#include <v8.h>

#include <optional>
#include <vector>

namespace sluice::codemode_runner {

class ScriptRun {
 public:
  // Everything outlives the run; the context is entered, the timers are running.
  ScriptRun(Engine& engine, v8::Local<v8::Context> context, RunState& state);
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  // The outcome, without usage. A run ends when its main function returns: calls it did not await
  // are the host's to finish.
  [[nodiscard]] wire::Finished run(const wire::Start& start);

 private:
  using MaybeFinished = std::optional<wire::Finished>;

  // The run must end although the script has not.
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] wire::Finished why_stopped() const;

  [[nodiscard]] v8::MaybeLocal<v8::Promise> begin(const std::string& source, wire::Finished* why);
  [[nodiscard]] wire::Finished loop(v8::Local<v8::Promise> main);
  [[nodiscard]] MaybeFinished await_result();
  [[nodiscard]] wire::Finished returned(v8::Local<v8::Value> value);
  [[nodiscard]] wire::Finished failed(v8::Local<v8::Value> thrown);
  void warn_of_unhandled();
  void warn_of_open_calls();

  static void on_rejection(v8::PromiseRejectMessage message);

  Engine& engine_;
  v8::Isolate* isolate_;
  v8::Local<v8::Context> context_;
  RunState& state_;
  Console console_;
  ToolCalls tools_;
  double clock_start_ms_ = 0;

  struct Rejected {
    v8::Global<v8::Promise> promise;
    v8::Global<v8::Value> reason;
  };

  std::vector<Rejected> unhandled_;
};

}  // namespace sluice::codemode_runner
