// The compiler: a zygote with TypeScript warm, and the child that takes the types out of one
// script.
#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/child/warm.h"
#include "services/codemode-sandbox/runner/jail/jail.h"
#include "services/codemode-sandbox/runner/v8/child_process.h"
#include "services/codemode-sandbox/runner/v8/engine.h"
#include "services/codemode-sandbox/runner/v8/last_words.h"
#include "services/codemode-sandbox/runner/v8/run_state.h"
#include "services/codemode-sandbox/runner/v8/text.h"

#include <fstream>
#include <iterator>

#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

// Source: v8.md 2.3 and 7.2: 41 to 50 MB of heap after warm-up, 256 MB more for one script.
constexpr std::size_t kHeapBytes = std::size_t{320} << 20;
constexpr std::uint64_t kAddressSpaceMoreBytes = std::uint64_t{384} << 20;
constexpr std::uint32_t kCpuSeconds = 2;
// Source: codemode.proto, RunRequest.source.
constexpr std::size_t kSourceBytesMax = std::size_t{64} << 10;
constexpr std::size_t kJavascriptBytesMax = std::size_t{1} << 20;
constexpr int kWarmUpRuns = 40;

// Syntax of many kinds, so that the functions for it are compiled before the first fork.
constexpr const char* kWarmUpSource = R"(type Row = { id: number; tags?: string[] };
interface Answer extends Row { readonly text: string }
const rows: Row[] = await Promise.all([1, 2].map(async (id): Promise<Row> => ({ id })));
function pick<T extends Row>(of: T[], at = 0): T | undefined { return of[at]; }
class Box<T> { private value!: T; constructor(v: T) { this.value = v; } get(): T { return this.value; } }
for (const { id, tags = [] } of rows) {
  if (id > 1 && tags.length === 0) { console.log(`row ${id}`, tags as unknown); } else { continue; }
}
try { const x = pick(rows)!; switch (x.id) { case 1: break; default: throw new Error("no"); } }
catch (error: unknown) { console.error((error as Error).message, /a+/g.test("a")); }
const sum = rows.reduce<number>((all, row) => all + (row?.id ?? 0), 0) satisfies number;
return { sum, box: new Box<number>(sum).get(), ...({ a: 1 } as const) };
)";

constexpr const char* kBadWarmUpSource = "const a: = 1;\nenum E { A }\n";

class Compiler final : public Warm {
 public:
  explicit Compiler(jail::SeccompProgram system_calls)
      : engine_(EngineKind::Compiler, kHeapBytes),
        system_calls_(std::move(system_calls)),
        zygote_(::getpid()) {}

  Result<void> warm_up(const std::string& bundle) {
    v8::Isolate* const isolate = engine_.isolate();
    const v8::HandleScope scope(isolate);
    const auto context = v8::Context::New(isolate);
    context->AllowCodeGenerationFromStrings(false);
    context_.Reset(isolate, context);
    const v8::Context::Scope entered(context);
    const v8::TryCatch caught(isolate);
    v8::Local<v8::Script> script;
    v8::Local<v8::Value> compile;
    if (!v8::Script::Compile(context, make_string(isolate, bundle)).ToLocal(&script) ||
        script->Run(context).IsEmpty() ||
        !property(context, context->Global(), "compile").ToLocal(&compile) ||
        !compile->IsFunction()) {
      return Error(Code::Internal, "the compiler bundle does not run: build compiler_js again")
          .with_detail(
              caught.HasCaught() ? describe(context, caught.Exception(), kErrorMessageBytesMax)
                                 : "it defines no compile()"
          );
    }
    compile_.Reset(isolate, compile.As<v8::Function>());
    for (int i = 0; i < kWarmUpRuns; ++i) {
      const v8::HandleScope one(isolate);
      if (this->compile(kWarmUpSource).has_error() ||
          !this->compile(kBadWarmUpSource).has_error()) {
        return Error(Code::Internal, "the compiler does not compile its warm-up script");
      }
    }
    SLUICE_TRY(address_space_bytes_, address_space_bytes());
    return {};
  }

  [[nodiscard]] std::string v8_version() const override { return engine_version(); }

  [[noreturn]] void run_child(int fd) override {
    FrameStream stream = begin_child(fd, zygote_);
    const auto first = stream.receive(FrameStream::Deadline::clock::now() + kFirstMessageWait);
    if (!first.ok() || first.value().message_case() != wire::ToChild::kCompile) {
      ::_exit(first_message_missing(first));
    }
    arm_silent_last_words(engine_.isolate());
    engine_.heap().set(kHeapBytes);
    const jail::Limits limits{
        .address_space_bytes = address_space_bytes_ + kAddressSpaceMoreBytes, .cpu_s = kCpuSeconds
    };
    if (!jail::close_inner(limits, system_calls_).ok()) {
      ::_exit(kExitJail);
    }
    wire::FromChild last;
    {
      const v8::HandleScope scope(engine_.isolate());
      const v8::Context::Scope entered(context_.Get(engine_.isolate()));
      *last.mutable_compiled() = compile(first.value().compile().source());
    }
    if (engine_.heap().reached()) {
      ::_exit(kExitMemory);
    }
    const auto sent = stream.send(last, FrameStream::Deadline::clock::now() + kLastMessageWait);
    ::_exit(sent.ok() ? kExitDone : kExitNoRunner);
  }

 private:
  // The context is entered.
  [[nodiscard]] wire::Compiled compile(const std::string& source) const {
    v8::Isolate* const isolate = engine_.isolate();
    const auto context = isolate->GetCurrentContext();
    const v8::TryCatch nothing_escapes(isolate);
    wire::Compiled compiled;
    if (source.size() > kSourceBytesMax) {
      compiled.mutable_error()->set_message("the script is over 64 KiB");
      compiled.mutable_error()->set_hint("shorten it, or do the work in several scripts");
      return compiled;
    }
    v8::Local<v8::Value> argument = make_string(isolate, source);
    v8::Local<v8::Value> answer;
    if (!compile_.Get(isolate)
             ->Call(context, v8::Undefined(isolate), 1, &argument)
             .ToLocal(&answer) ||
        !answer->IsObject() || !read(context, answer.As<v8::Object>(), compiled)) {
      compiled.mutable_error()->set_message("the compiler gave up on the script");
      compiled.mutable_error()->set_hint("write it with less nesting, in smaller functions");
    }
    return compiled;
  }

  // {javascript} or {message, line, column, hint}, from our own bundle.
  [[nodiscard]] static bool read(
      v8::Local<v8::Context> context, v8::Local<v8::Object> answer, wire::Compiled& compiled
  ) {
    const auto text = [&](const char* name, std::size_t bytes_max) {
      v8::Local<v8::Value> value;
      const bool there = property(context, answer, name).ToLocal(&value) && value->IsString();
      return there ? utf8_of(context->GetIsolate(), value.As<v8::String>(), bytes_max)
                   : std::string();
    };
    const auto number = [&](const char* name) {
      v8::Local<v8::Value> value;
      const bool there = property(context, answer, name).ToLocal(&value) && value->IsUint32();
      return there ? value.As<v8::Uint32>()->Value() : 0;
    };
    std::string message = text("message", kErrorMessageBytesMax);
    if (message.empty()) {
      compiled.set_javascript(text("javascript", kJavascriptBytesMax));
      return true;
    }
    compiled.mutable_error()->set_message(std::move(message));
    compiled.mutable_error()->set_line(number("line"));
    compiled.mutable_error()->set_column(number("column"));
    compiled.mutable_error()->set_hint(text("hint", kErrorMessageBytesMax));
    return true;
  }

  Engine engine_;
  v8::Global<v8::Context> context_;
  v8::Global<v8::Function> compile_;
  jail::SeccompProgram system_calls_;
  pid_t zygote_;
  std::uint64_t address_space_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Warm>> warm_compiler(const std::string& compiler_js_path) {
  std::ifstream file(compiler_js_path, std::ios::binary);
  const std::string bundle{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bundle.empty()) {
    return Error(
        Code::NotFound, "no compiler bundle at " + compiler_js_path + ": build compiler_js"
    );
  }
  fix_time_zone_and_language();
  SLUICE_TRY(
      auto system_calls, jail::SeccompProgram::make(kChildSocket, jail::ExecutableMemory::Allowed)
  );
  auto compiler = std::make_unique<Compiler>(std::move(system_calls));
  SLUICE_CHECK_OK(compiler->warm_up(bundle));
  return std::unique_ptr<Warm>(std::move(compiler));
}

}  // namespace sluice::codemode_runner
