// The executor: a zygote's isolate and context without a JIT, and the child that runs one script.
#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/child/warm.h"
#include "services/codemode-sandbox/runner/jail/jail.h"
#include "services/codemode-sandbox/runner/v8/child_process.h"
#include "services/codemode-sandbox/runner/v8/engine.h"
#include "services/codemode-sandbox/runner/v8/globals.h"
#include "services/codemode-sandbox/runner/v8/last_words.h"
#include "services/codemode-sandbox/runner/v8/script_run.h"
#include "services/codemode-sandbox/runner/v8/text.h"

#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

// What a run gets that is told no limits. Source: design; v8.md 3.
constexpr std::size_t kHeapBytes = std::size_t{64} << 20;
constexpr std::uint32_t kWallMs = 30'000;
constexpr std::size_t kHeapBytesMin = std::size_t{4} << 20;
// Address space over heap and array buffers: V8's two raises of the heap's bound, ICU, the stack.
// Source: measured; a script that stays within its heap never meets it.
constexpr std::uint64_t kAddressSpaceSlackBytes = std::uint64_t{64} << 20;

// Used once, so that a child finds ICU's data loaded: its jail has no files. Not Math.random, whose
// state each child seeds itself.
constexpr const char* kWarmUp = R"((function () {
  "use strict";
  const at = new Date(0);
  at.toString(); at.toLocaleString(); at.getTimezoneOffset(); new Date().toISOString();
  new Date(2020, 6, 1).toLocaleDateString("de-DE", { timeZone: "Europe/Berlin", dateStyle: "full" });
  new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York" }).formatToParts(at);
  new Intl.NumberFormat("en-US", { style: "currency", currency: "EUR" }).format(1234.5);
  new Intl.PluralRules("en").select(2);
  new Intl.Collator("en").compare("a", "b"); "a".localeCompare("b");
  new Intl.RelativeTimeFormat("en").format(-1, "day");
  new Intl.ListFormat("en").format(["a", "b"]);
  [...new Intl.Segmenter("en", { granularity: "word" }).segment("two words")];
  "\u00e4".normalize("NFD"); "I".toLocaleLowerCase("tr");
  /\p{L}+/u.test("abc"); /(a+)b/i.exec("aab");
  JSON.parse(JSON.stringify({ a: [1, "x", null] }));
})())";

// Limits as far as this process can keep them.
wire::Limits kept(wire::Limits limits) {
  if (limits.wall_ms() == 0) {
    limits.set_wall_ms(kWallMs);
  }
  if (limits.cpu_ms() == 0) {
    limits.set_cpu_ms(limits.wall_ms());
  }
  if (limits.heap_bytes() == 0) {
    limits.set_heap_bytes(kHeapBytes);
  }
  limits.set_heap_bytes(std::max<std::uint64_t>(limits.heap_bytes(), kHeapBytesMin));
  limits.set_value_bytes(std::min<std::uint32_t>(limits.value_bytes(), kFrameBytesMax / 2));
  return limits;
}

void stop_script() {
  v8::Isolate::GetCurrent()->TerminateExecution();
}

class Executor final : public Warm {
 public:
  explicit Executor(jail::SeccompProgram system_calls)
      : engine_(EngineKind::Executor, kHeapBytes),
        system_calls_(std::move(system_calls)),
        zygote_(::getpid()) {}

  Result<void> warm_up() {
    const v8::HandleScope scope(engine_.isolate());
    const auto context = v8::Context::New(engine_.isolate());
    context->AllowCodeGenerationFromStrings(false);
    context_.Reset(engine_.isolate(), context);
    const v8::Context::Scope entered(context);
    const v8::TryCatch caught(engine_.isolate());
    v8::Local<v8::Script> script;
    if (!v8::Script::Compile(context, make_string(engine_.isolate(), kWarmUp)).ToLocal(&script) ||
        script->Run(context).IsEmpty()) {
      return Error(Code::Internal, "V8 does not run the warm-up: reinstall libnode and ICU")
          .with_detail(describe(context, caught.Exception(), kErrorMessageBytesMax));
    }
    SLUICE_CHECK_OK(remove_other_globals(context));
    SLUICE_TRY(address_space_bytes_, address_space_bytes());
    return {};
  }

  [[nodiscard]] std::string v8_version() const override { return engine_version(); }

  [[noreturn]] void run_child(int fd) override {
    FrameStream stream = begin_child(fd, zygote_);
    const auto first = stream.receive(FrameStream::Deadline::clock::now() + kFirstMessageWait);
    if (!first.ok() || first.value().message_case() != wire::ToChild::kStart) {
      ::_exit(first_message_missing(first));
    }
    run(stream, first.value().start());
  }

 private:
  [[noreturn]] void run(FrameStream& stream, const wire::Start& start) {
    RunState state;
    state.stream = &stream;
    state.limits = kept(start.limits());
    state.started = FrameStream::Deadline::clock::now();
    state.deadline = state.started + std::chrono::milliseconds(state.limits.wall_ms());
    state.console_left = state.limits.console_bytes();

    v8::Isolate* const isolate = engine_.isolate();
    const v8::HandleScope scope(isolate);
    const auto context = context_.Get(isolate);
    const v8::Context::Scope entered(context);
    engine_.heap().set(state.limits.heap_bytes());
    engine_.buffers().set_bound(state.limits.heap_bytes());
    arm_last_words(isolate, state);
    if (!start_timers(state, stop_script).ok() || !close_jail(state.limits).ok()) {
      ::_exit(kExitJail);
    }

    wire::FromChild last;
    {
      ScriptRun script(engine_, context, state);
      *last.mutable_finished() = script.run(start);
    }
    finish(state, last);
  }

  [[nodiscard]] Result<void> close_jail(const wire::Limits& limits) const {
    constexpr std::uint32_t kMsPerSecond = 1'000;
    return jail::close_inner(
        {.address_space_bytes =
             address_space_bytes_ + 2 * limits.heap_bytes() + kAddressSpaceSlackBytes,
         .cpu_s = limits.cpu_ms() / kMsPerSecond + 1},
        system_calls_
    );
  }

  // The last message has a moment of its own: the script is over, only the socket can be slow.
  [[noreturn]] static void finish(RunState& state, wire::FromChild& last) {
    stop_timers();
    if (state.runner_gone) {
      ::_exit(kExitNoRunner);
    }
    fill_usage(*last.mutable_finished(), state);
    state.deadline =
        std::max(state.deadline, FrameStream::Deadline::clock::now() + kLastMessageWait);
    if (state.send(last)) {
      ::_exit(kExitDone);
    }
    ::_exit(state.runner_gone ? kExitNoRunner : kExitTimeout);
  }

  Engine engine_;
  v8::Global<v8::Context> context_;
  jail::SeccompProgram system_calls_;
  pid_t zygote_;
  std::uint64_t address_space_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Warm>> warm_executor() {
  fix_time_zone_and_language();
  SLUICE_TRY(
      auto system_calls, jail::SeccompProgram::make(kChildSocket, jail::ExecutableMemory::Refused)
  );
  auto executor = std::make_unique<Executor>(std::move(system_calls));
  SLUICE_CHECK_OK(executor->warm_up());
  return std::unique_ptr<Warm>(std::move(executor));
}

}  // namespace sluice::codemode_runner
