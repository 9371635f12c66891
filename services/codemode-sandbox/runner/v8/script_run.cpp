#include "services/codemode-sandbox/runner/v8/script_run.h"

#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/v8/last_words.h"
#include "services/codemode-sandbox/runner/v8/script_error.h"
#include "services/codemode-sandbox/runner/v8/text.h"

#include <algorithm>
#include <cmath>

namespace sluice::codemode_runner {
namespace {

// The script is the body of this function and begins on its first line; the column offset of the
// script's origin takes the head away from what errors tell.
constexpr std::string_view kHead = "(async function(){\"use strict\";";
constexpr std::string_view kTail = "\n})";

constexpr std::size_t kUnhandledMax = 16;
constexpr double kUsPerMs = 1e3;  // Date has whole milliseconds

constexpr const char* kHintCompile = "correct the script at the place told and run it again";
constexpr const char* kHintThrown =
    "correct the script at the place told, or catch the error; the tools are in servers/*.d.ts";

wire::Finished fail(codemode::v1::Outcome outcome, std::string message, std::string hint) {
  wire::Finished finished;
  finished.set_outcome(outcome);
  finished.mutable_error()->set_message(std::move(message));
  finished.mutable_error()->set_hint(std::move(hint));
  return finished;
}

wire::Finished fail(codemode::v1::Outcome outcome, codemode::v1::ScriptError error) {
  wire::Finished finished;
  finished.set_outcome(outcome);
  *finished.mutable_error() = std::move(error);
  return finished;
}

}  // namespace

ScriptRun::ScriptRun(Engine& engine, v8::Local<v8::Context> context, RunState& state)
    : engine_(engine),
      isolate_(engine.isolate()),
      context_(context),
      state_(state),
      console_(state),
      tools_(engine.isolate(), state) {
  console_.install(context);
  isolate_->SetData(0, this);
  isolate_->SetPromiseRejectCallback(on_rejection);
}

bool ScriptRun::stopped() const {
  return state_.time_over() || state_.runner_gone || engine_.heap().reached();
}

wire::Finished ScriptRun::why_stopped() const {
  if (engine_.heap().reached()) {
    return finished_memory();
  }
  if (state_.wall_over != 0) {
    return fail(
        codemode::v1::OUTCOME_TIMEOUT,
        "the script ran longer than its " + std::to_string(state_.limits.wall_ms()) + " ms",
        "look for a loop that does not end, or do the work in several scripts"
    );
  }
  if (state_.cpu_over != 0) {
    return fail(
        codemode::v1::OUTCOME_TIMEOUT,
        "the script used more than its " + std::to_string(state_.limits.cpu_ms()) +
            " ms of computing time",
        "compute less: filter early, or let a tool do the work"
    );
  }
  return fail(codemode::v1::OUTCOME_KILLED, "the script's runner left", "run the script again");
}

wire::Finished ScriptRun::run(const wire::Start& start) {
  const v8::HandleScope scope(isolate_);
  clock_start_ms_ = static_cast<double>(start.clock_unix_ms());
  engine_.clock().set(clock_start_ms_);
  engine_.seed(start.seed());
  if (const auto defined = tools_.define(context_, start.namespaces()); !defined.ok()) {
    return fail(
        codemode::v1::OUTCOME_KILLED,
        defined.error().message(),
        "report this: it is a fault of Sluice"
    );
  }
  wire::Finished why;
  v8::Local<v8::Promise> main;
  if (!begin(start.javascript(), &why).ToLocal(&main)) {
    return why;
  }
  auto finished = loop(main);
  if (!stopped()) {
    warn_of_unhandled();
    warn_of_open_calls();
  }
  return finished;
}

v8::MaybeLocal<v8::Promise> ScriptRun::begin(const std::string& source, wire::Finished* why) {
  v8::EscapableHandleScope scope(isolate_);
  const v8::TryCatch caught(isolate_);
  const v8::ScriptOrigin origin(
      isolate_, make_string(isolate_, kScriptName), 0, -static_cast<int>(kHead.size())
  );
  v8::ScriptCompiler::Source text(
      make_string(isolate_, std::string(kHead).append(source).append(kTail)), origin
  );
  v8::Local<v8::Script> script;
  if (!v8::ScriptCompiler::Compile(context_, &text).ToLocal(&script)) {
    *why =
        stopped()
            ? why_stopped()
            : fail(codemode::v1::OUTCOME_TYPE_ERROR, script_error(context_, caught, kHintCompile));
    return {};
  }
  state_.start_us = elapsed_us(state_);
  v8::Local<v8::Value> main;
  v8::Local<v8::Value> promise;
  const bool called = script->Run(context_).ToLocal(&main) && main->IsFunction() &&
                      main.As<v8::Function>()
                          ->Call(context_, v8::Undefined(isolate_), 0, nullptr)
                          .ToLocal(&promise) &&
                      promise->IsPromise();
  if (stopped()) {
    *why = why_stopped();
    return {};
  }
  if (!called) {
    // Only a script that closes the function around it comes here.
    *why = fail(
        codemode::v1::OUTCOME_TYPE_ERROR,
        "the script is not one list of statements: a bracket is closed that it did not open",
        kHintCompile
    );
    return {};
  }
  promise.As<v8::Promise>()->MarkAsHandled();
  return scope.Escape(promise.As<v8::Promise>());
}

wire::Finished ScriptRun::loop(v8::Local<v8::Promise> main) {
  for (;;) {
    {
      const v8::TryCatch nothing_escapes(isolate_);
      v8::MicrotasksScope::PerformCheckpoint(isolate_);
    }
    if (stopped()) {
      return why_stopped();
    }
    if (main->State() == v8::Promise::kFulfilled) {
      return returned(main->Result());
    }
    if (main->State() == v8::Promise::kRejected) {
      return failed(main->Result());
    }
    if (tools_.waiting() == 0) {
      return fail(
          codemode::v1::OUTCOME_DEADLOCK,
          "the script waits for a promise that nothing will settle",
          "await only tool calls and what is made of them; there are no timers and no events"
      );
    }
    if (auto ended = await_result()) {
      return *std::move(ended);
    }
  }
}

ScriptRun::MaybeFinished ScriptRun::await_result() {
  const auto message = state_.stream->receive(state_.deadline);
  if (!message.ok()) {
    if (message.error().code() == Code::Deadline) {
      state_.wall_over = 1;
    } else {
      state_.runner_gone = true;
    }
    return why_stopped();
  }
  if (message.value().message_case() == wire::ToChild::kPark) {
    if (!set_parked(state_, message.value().park().parked()).ok()) {
      state_.wall_over = 1;  // better too short than without a limit
    }
    return stopped() ? MaybeFinished(why_stopped()) : MaybeFinished();
  }
  if (message.value().message_case() != wire::ToChild::kResult) {
    state_.runner_gone = true;
    return why_stopped();
  }
  engine_.clock().set(clock_start_ms_ + std::floor(elapsed_us(state_) / kUsPerMs));
  tools_.settle(context_, message.value().result());
  return stopped() ? MaybeFinished(why_stopped()) : MaybeFinished();
}

wire::Finished ScriptRun::returned(v8::Local<v8::Value> value) {
  wire::Finished finished;
  finished.set_outcome(codemode::v1::OUTCOME_OK);
  if (value->IsUndefined()) {
    return finished;
  }
  if (value->IsFunction() || value->IsSymbol()) {
    console_.write("warn", "the script returned a function or a symbol, which JSON has not", 0);
    return finished;
  }
  if (value->IsMap() || value->IsSet() || value->IsWeakMap() || value->IsWeakSet()) {
    console_.write(
        "warn", "the script returned a Map or Set, which is {} in JSON: return [...it]", 0
    );
  }
  v8::TryCatch caught(isolate_);
  v8::Local<v8::String> text;
  const bool written = v8::JSON::Stringify(context_, value).ToLocal(&text);
  if (stopped()) {
    return why_stopped();
  }
  if (!written) {
    auto error = script_error(
        context_, caught, "return what JSON can hold: no BigInt, no object inside itself"
    );
    const std::string message = "the returned value is no JSON: " + error.message();
    error.set_message(std::string(cut_utf8(message, kErrorMessageBytesMax)));
    return fail(codemode::v1::OUTCOME_SCRIPT_ERROR, std::move(error));
  }
  const std::size_t most = state_.limits.value_bytes();
  const auto bytes = static_cast<std::size_t>(text->Utf8Length(isolate_));
  if (bytes > most) {
    return fail(
        codemode::v1::OUTCOME_SCRIPT_ERROR,
        "the returned value has " + std::to_string(bytes) + " bytes of JSON; " +
            std::to_string(most) + " are allowed",
        "return less: filter, count or shorten in the script"
    );
  }
  std::string json = utf8_of(isolate_, text, bytes);
  if (json != "undefined") {  // toJSON answered undefined
    finished.set_value(std::move(json));
  }
  return finished;
}

wire::Finished ScriptRun::failed(v8::Local<v8::Value> thrown) {
  if (out_of_address_space()) {
    return finished_memory();
  }
  auto error = script_error(context_, thrown, kHintThrown);
  if (stopped()) {
    return why_stopped();
  }
  return fail(codemode::v1::OUTCOME_SCRIPT_ERROR, std::move(error));
}

void ScriptRun::on_rejection(v8::PromiseRejectMessage message) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  auto& run = *static_cast<ScriptRun*>(isolate->GetData(0));
  const auto promise = message.GetPromise();
  if (message.GetEvent() == v8::kPromiseRejectWithNoHandler) {
    if (run.unhandled_.size() < kUnhandledMax) {
      run.unhandled_.push_back(
          {.promise = {isolate, promise}, .reason = {isolate, message.GetValue()}}
      );
    }
  } else if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject) {
    std::erase_if(run.unhandled_, [&](const Rejected& one) { return one.promise == promise; });
  }
}

void ScriptRun::warn_of_open_calls() {
  if (tools_.waiting() > 0) {
    console_.write(
        "warn",
        "calls the script did not await when it ended: " + std::to_string(tools_.waiting()) +
            "; they go on, their results are lost",
        0
    );
  }
}

void ScriptRun::warn_of_unhandled() {
  for (const Rejected& one : unhandled_) {
    const v8::HandleScope scope(isolate_);
    const auto reason = one.reason.Get(isolate_);
    console_.write(
        "warn", "unhandled rejection: " + describe(context_, reason, kErrorMessageBytesMax), 0
    );
  }
}

}  // namespace sluice::codemode_runner
