#include "services/codemode-sandbox/runner/v8/console.h"

#include "services/codemode-sandbox/runner/v8/console_format.h"
#include "services/codemode-sandbox/runner/v8/text.h"

#include <array>

namespace sluice::codemode_runner {
namespace {

// What a line costs besides its bytes, so that empty lines have an end too.
constexpr std::uint64_t kLineCostBytes = 16;

constexpr std::array kLevels{"log", "info", "warn", "error", "debug"};

template <std::size_t kIndex>
void on_call(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto& console = *static_cast<Console*>(info.Data().As<v8::External>()->Value());
  ConsoleLine line(info.GetIsolate()->GetCurrentContext(), kConsoleLineBytesMax);
  for (int i = 0; i < info.Length(); ++i) {
    line.add(info[i]);
  }
  console.write(kLevels[kIndex], std::move(line.text()), line.cut_bytes());
  if (console.state().runner_gone || console.state().time_over()) {
    info.GetIsolate()->TerminateExecution();
  }
}

constexpr std::array<v8::FunctionCallback, kLevels.size()>
    kCallbacks{on_call<0>, on_call<1>, on_call<2>, on_call<3>, on_call<4>};

}  // namespace

void Console::install(v8::Local<v8::Context> context) {
  v8::Isolate* const isolate = context->GetIsolate();
  const auto console = v8::Object::New(isolate);
  const auto self = v8::External::New(isolate, this);
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const auto function =
        v8::Function::New(context, kCallbacks[i], self, 0, v8::ConstructorBehavior::kThrow)
            .ToLocalChecked();
    console->Set(context, make_string(isolate, kLevels[i]), function).Check();
  }
  context->Global()->Set(context, make_string(isolate, "console"), console).Check();
}

void Console::write(const char* level, std::string text, std::uint64_t cut_bytes) {
  state_.console_dropped += cut_bytes;
  const std::uint64_t cost = text.size() + kLineCostBytes;
  if (cost > state_.console_left) {
    state_.console_left = 0;  // nothing after the first line that is missing
    state_.console_dropped += text.size();
    return;
  }
  state_.console_left -= cost;
  wire::FromChild message;
  message.mutable_console()->set_level(level);
  message.mutable_console()->set_text(std::move(text));
  state_.send(message);
}

}  // namespace sluice::codemode_runner
