// The namespaces of a script: one frozen object per server, one function per tool. A function sends
// a ToolCall and returns a promise; the results are settled one at a time, by the run's loop.
#pragma once

#include "services/codemode-sandbox/runner/v8/run_state.h"
#include "services/codemode-sandbox/runner/v8/script_error.h"

#include <v8.h>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace sluice::codemode_runner {

class ToolCalls {
 public:
  ToolCalls(v8::Isolate* isolate, RunState& state) : isolate_(isolate), state_(state) {}

  ToolCalls(const ToolCalls&) = delete;
  ToolCalls& operator=(const ToolCalls&) = delete;

  // Puts the namespaces into the context's global object. A tool is a property under its own name
  // and, where no other tool claims it, under its name with '_' for each '-' and '.'.
  // Outlives the context. Errors: Invalid (a name twice).
  [[nodiscard]] Result<void> define(
      v8::Local<v8::Context> context,
      const google::protobuf::RepeatedPtrField<wire::Namespace>& namespaces
  );

  // Calls without a result.
  [[nodiscard]] std::size_t waiting() const { return pending_.size(); }

  // Resolves or rejects the promise of its call; unknown call ids are ignored. Runs code of the
  // script only in so far as a result is a thenable, which parsed JSON is not unless the script
  // changed Object.prototype.
  void settle(v8::Local<v8::Context> context, const wire::CallResult& result);

 private:
  struct Tool {
    ToolCalls* calls = nullptr;
    std::string server;
    std::string function;
  };

  struct Pending {
    v8::Global<v8::Promise::Resolver> resolver;
    Place call_site;
  };

  static void on_call(const v8::FunctionCallbackInfo<v8::Value>& info);

  void call(const Tool& tool, const v8::FunctionCallbackInfo<v8::Value>& info);
  void define_one(v8::Local<v8::Context> context, const wire::Namespace& space);
  // Why no further call may be sent; empty: one may.
  [[nodiscard]] std::string limit_reached() const;
  [[nodiscard]] bool send(const Tool& tool, std::string arguments, const Place& place);

  v8::Isolate* isolate_;
  RunState& state_;
  std::deque<Tool> tools_;  // addresses are the callbacks' data
  std::unordered_map<std::uint32_t, Pending> pending_;
};

}  // namespace sluice::codemode_runner
