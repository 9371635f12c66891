#include "services/codemode-sandbox/runner/v8/script_error.h"

#include "services/codemode-sandbox/runner/v8/run_state.h"
#include "services/codemode-sandbox/runner/v8/text.h"

#include <string_view>

namespace sluice::codemode_runner {
namespace {

constexpr std::string_view kUncaught = "Uncaught ";

bool is_script(v8::Isolate* isolate, v8::Local<v8::Value> name) {
  return !name.IsEmpty() && name->IsString() &&
         utf8_of(isolate, name.As<v8::String>(), 64) == kScriptName;
}

Place place_of(v8::Local<v8::Context> context, v8::Local<v8::Message> message) {
  if (!is_script(context->GetIsolate(), message->GetScriptOrigin().ResourceName())) {
    return {};
  }
  const int line = message->GetLineNumber(context).FromMaybe(0);
  const int column = message->GetStartColumn(context).FromMaybe(-1) + 1;
  if (line <= 0 || column <= 0) {
    return {};
  }
  return {.line = static_cast<std::uint32_t>(line), .column = static_cast<std::uint32_t>(column)};
}

v8::Local<v8::Private> tool_error_mark(v8::Isolate* isolate) {
  return v8::Private::ForApi(isolate, make_string(isolate, "sluice tool error"));
}

// "line:column" of the call, when the error is one of ours.
std::string marked_call_site(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown) {
  v8::Isolate* const isolate = context->GetIsolate();
  v8::Local<v8::Value> mark;
  if (!thrown->IsObject() || thrown->IsProxy() ||
      !thrown.As<v8::Object>()->GetPrivate(context, tool_error_mark(isolate)).ToLocal(&mark) ||
      !mark->IsString()) {
    return {};
  }
  return utf8_of(isolate, mark.As<v8::String>(), 32);
}

Place parsed(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    return {};
  }
  return {
      .line = static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10)),
      .column = static_cast<std::uint32_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10)),
  };
}

// The frames of the script; those of the engine and of the wrapper say nothing to its author.
std::string stack_of(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown) {
  v8::Isolate* const isolate = context->GetIsolate();
  v8::Local<v8::Value> stack;
  if (!thrown->IsNativeError() ||
      !property(context, thrown.As<v8::Object>(), "stack").ToLocal(&stack) || !stack->IsString()) {
    return {};
  }
  const std::string text = utf8_of(isolate, stack.As<v8::String>(), kErrorStackBytesMax);
  std::string kept;
  std::string_view left = text;
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    if (line.starts_with("    at ") && line.find(kScriptName) != std::string_view::npos) {
      kept.append(line).push_back('\n');
    }
  }
  return kept;
}

codemode::v1::ScriptError of_message(
    v8::Local<v8::Context> context, v8::Local<v8::Message> message, const char* hint
) {
  codemode::v1::ScriptError error;
  const std::string text =
      utf8_of(context->GetIsolate(), message->Get(), kErrorMessageBytesMax - kUncaught.size());
  error.set_message(text.starts_with(kUncaught) ? text.substr(kUncaught.size()) : text);
  error.set_hint(hint);
  const Place place = place_of(context, message);
  error.set_line(place.line);
  error.set_column(place.column);
  return error;
}

}  // namespace

std::string to_string(const Place& place) {
  return place.line == 0 ? std::string()
                         : std::to_string(place.line) + ":" + std::to_string(place.column);
}

Place current_place(v8::Isolate* isolate) {
  constexpr int kFramesMax = 8;
  const auto stack =
      v8::StackTrace::CurrentStackTrace(isolate, kFramesMax, v8::StackTrace::kOverview);
  for (int i = 0; i < stack->GetFrameCount(); ++i) {
    const auto frame = stack->GetFrame(isolate, static_cast<std::uint32_t>(i));
    if (is_script(isolate, frame->GetScriptName()) && frame->GetLineNumber() > 0 &&
        frame->GetColumn() > 0) {
      return {
          .line = static_cast<std::uint32_t>(frame->GetLineNumber()),
          .column = static_cast<std::uint32_t>(frame->GetColumn()),
      };
    }
  }
  return {};
}

void mark_tool_error(v8::Local<v8::Context> context, v8::Local<v8::Object> error, Place call_site) {
  v8::Isolate* const isolate = context->GetIsolate();
  const std::string text = call_site.line == 0 ? "0:0" : to_string(call_site);
  // Fails only when the run is being terminated.
  [[maybe_unused]] const auto marked =
      error->SetPrivate(context, tool_error_mark(isolate), make_string(isolate, text));
}

codemode::v1::ScriptError script_error(
    v8::Local<v8::Context> context, v8::Local<v8::Value> thrown, const char* hint
) {
  v8::Isolate* const isolate = context->GetIsolate();
  const v8::TryCatch nothing_escapes(isolate);
  auto error = of_message(context, v8::Exception::CreateMessage(isolate, thrown), hint);
  error.set_stack(stack_of(context, thrown));
  if (const std::string site = marked_call_site(context, thrown); !site.empty()) {
    const Place place = parsed(site);
    error.set_line(place.line);
    error.set_column(place.column);
    error.set_hint("a tool call failed: put it in try/catch when the script can go on without it");
  }
  return error;
}

codemode::v1::ScriptError script_error(
    v8::Local<v8::Context> context, const v8::TryCatch& caught, const char* hint
) {
  const auto message = caught.Message();
  if (message.IsEmpty()) {
    codemode::v1::ScriptError error;
    error.set_message("the engine refused the script");
    error.set_hint(hint);
    return error;
  }
  auto error = of_message(context, message, hint);
  error.set_stack(stack_of(context, caught.Exception()));
  return error;
}

}  // namespace sluice::codemode_runner
