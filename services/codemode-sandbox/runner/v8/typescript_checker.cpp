#include "services/codemode-sandbox/runner/v8/typescript_checker.h"

#include "services/codemode-sandbox/runner/v8/run_state.h"
#include "services/codemode-sandbox/runner/v8/text.h"

#include "common/base/bytes.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>

namespace sluice::codemode_runner {
namespace {

// Source: codemode.proto, RunRequest.source, Diagnostic and Check.
constexpr std::size_t kSourceBytesMax = std::size_t{64} << 10;
constexpr std::size_t kJavascriptBytesMax = std::size_t{1} << 20;
constexpr std::size_t kTextBytesMax = std::size_t{1} << 10;
constexpr std::size_t kExcerptBytesMax = 800;
constexpr std::size_t kNameBytesMax = 256;
constexpr std::uint32_t kDiagnosticsMax = 20;
constexpr std::uint32_t kCallSitesMax = 256;

void refuse(wire::Compiled& compiled, std::string_view message, std::string_view hint) {
  compiled.mutable_error()->set_message(std::string(message));
  compiled.mutable_error()->set_hint(std::string(hint));
}

// Members of an object that our own bundle made.
class Reader {
 public:
  Reader(v8::Local<v8::Context> context, v8::Local<v8::Object> object)
      : context_(context), object_(object) {}

  [[nodiscard]] std::string text(const char* name, std::size_t bytes_max) const {
    v8::Local<v8::Value> value;
    const bool there = property(context_, object_, name).ToLocal(&value) && value->IsString();
    return there ? utf8_of(context_->GetIsolate(), value.As<v8::String>(), bytes_max)
                 : std::string();
  }

  [[nodiscard]] std::uint32_t number(const char* name) const {
    v8::Local<v8::Value> value;
    const bool there = property(context_, object_, name).ToLocal(&value) && value->IsUint32();
    return there ? value.As<v8::Uint32>()->Value() : 0;
  }

  [[nodiscard]] bool yes(const char* name) const {
    v8::Local<v8::Value> value;
    return property(context_, object_, name).ToLocal(&value) && value->IsTrue();
  }

  [[nodiscard]] bool has(const char* name) const {
    v8::Local<v8::Value> value;
    return property(context_, object_, name).ToLocal(&value) && !value->IsUndefined();
  }

  // The objects of a list, at most so many.
  void each(const char* name, std::uint32_t most, const std::function<void(const Reader&)>& use)
      const {
    v8::Local<v8::Value> list;
    if (!property(context_, object_, name).ToLocal(&list) || !list->IsArray()) {
      return;
    }
    const auto array = list.As<v8::Array>();
    for (std::uint32_t i = 0; i < std::min(array->Length(), most); ++i) {
      const v8::HandleScope scope(context_->GetIsolate());
      v8::Local<v8::Value> one;
      if (array->Get(context_, i).ToLocal(&one) && one->IsObject()) {
        use(Reader(context_, one.As<v8::Object>()));
      }
    }
  }

 private:
  v8::Local<v8::Context> context_;
  v8::Local<v8::Object> object_;
};

template <class Found>
void read_place(const Reader& from, Found& found) {
  found.set_line(from.number("line"));
  found.set_column(from.number("column"));
}

void read_check(const Reader& answer, codemode::v1::Check& check) {
  answer.each("diagnostics", kDiagnosticsMax, [&](const Reader& from) {
    codemode::v1::Diagnostic& one = *check.add_diagnostics();
    one.set_blocks(from.yes("blocks"));
    one.set_message(from.text("message", kTextBytesMax));
    read_place(from, one);
    one.set_excerpt(from.text("excerpt", kExcerptBytesMax));
    one.set_hint(from.text("hint", kTextBytesMax));
    one.set_code(from.number("code"));
  });
  answer.each("calls", kCallSitesMax, [&](const Reader& from) {
    codemode::v1::ListedCall& one = *check.add_calls();
    one.set_server(from.text("server", kNameBytesMax));
    one.set_tool(from.text("tool", kNameBytesMax));
    read_place(from, one);
    one.set_in_function(from.yes("in_function"));
    one.set_in_loop(from.yes("in_loop"));
  });
  answer.each("escapes", kDiagnosticsMax, [&](const Reader& from) {
    codemode::v1::Escape& one = *check.add_escapes();
    one.set_reason(from.text("reason", kTextBytesMax));
    read_place(from, one);
    one.set_excerpt(from.text("excerpt", kExcerptBytesMax));
    one.set_hint(from.text("hint", kTextBytesMax));
  });
}

void read(const Reader& answer, wire::Compiled& compiled) {
  read_check(answer, *compiled.mutable_check());
  if (answer.has("javascript")) {
    compiled.set_javascript(answer.text("javascript", kJavascriptBytesMax));
    return;
  }
  if (compiled.check().diagnostics_size() == 0) {
    refuse(compiled, "the compiler gave up on the script", "write it in smaller functions");
    return;
  }
  const codemode::v1::Diagnostic& first = compiled.check().diagnostics(0);
  refuse(compiled, first.message(), first.hint());
  compiled.mutable_error()->set_line(first.line());
  compiled.mutable_error()->set_column(first.column());
  compiled.mutable_error()->set_excerpt(first.excerpt());
}

}  // namespace

Result<void> TypescriptChecker::load(const std::string& bundle) {
  v8::Isolate* const isolate = engine_.isolate();
  const v8::HandleScope scope(isolate);
  const auto context = v8::Context::New(isolate);
  context->AllowCodeGenerationFromStrings(false);
  context_.Reset(isolate, context);
  const v8::Context::Scope entered(context);
  const v8::TryCatch caught(isolate);
  v8::Local<v8::Script> script;
  bool whole = v8::Script::Compile(context, make_string(isolate, bundle)).ToLocal(&script) &&
               !script->Run(context).IsEmpty();
  for (const auto& [name, place] :
       {std::pair("compile", &compile_), {"prepare", &prepare_}, {"warmUp", &warm_up_}}) {
    v8::Local<v8::Value> function;
    whole = whole && property(context, context->Global(), name).ToLocal(&function) &&
            function->IsFunction();
    if (whole) {
      place->Reset(isolate, function.As<v8::Function>());
    }
  }
  if (!whole) {
    return Error(Code::Internal, "the compiler bundle does not run: build compiler_js again")
        .with_detail(
            caught.HasCaught() ? describe(context, caught.Exception(), kErrorMessageBytesMax)
                               : "it lacks a function"
        );
  }
  return {};
}

wire::Compiled TypescriptChecker::compile(const wire::Compile& script) {
  v8::Isolate* const isolate = engine_.isolate();
  const v8::HandleScope scope(isolate);
  const auto context = context_.Get(isolate);
  const v8::Context::Scope entered(context);
  const v8::TryCatch nothing_escapes(isolate);
  wire::Compiled compiled;
  if (script.source().size() > kSourceBytesMax) {
    refuse(compiled, "the script is over 64 KiB", "shorten it, or do the work in several scripts");
    return compiled;
  }
  std::array<v8::Local<v8::Value>, 3> arguments{
      make_string(isolate, script.source()),
      make_string(isolate, script.declarations()),
      make_string(isolate, to_hex(script.declarations_digest())),
  };
  v8::Local<v8::Value> answer;
  if (compile_.Get(isolate)
          ->Call(context, v8::Undefined(isolate), arguments.size(), arguments.data())
          .ToLocal(&answer) &&
      answer->IsObject()) {
    read(Reader(context, answer.As<v8::Object>()), compiled);
  } else {
    refuse(
        compiled,
        "the compiler gave up on the script",
        "write it with less nesting, in smaller functions"
    );
  }
  return compiled;
}

void TypescriptChecker::prepare(const std::string& digest, const std::string& declarations) {
  v8::Isolate* const isolate = engine_.isolate();
  const v8::HandleScope scope(isolate);
  const auto context = context_.Get(isolate);
  const v8::Context::Scope entered(context);
  const v8::TryCatch nothing_escapes(isolate);
  std::array<v8::Local<v8::Value>, 2> arguments{
      make_string(isolate, to_hex(digest)), make_string(isolate, declarations)
  };
  // Scripts that name declarations nobody can read are told so.
  [[maybe_unused]] const auto answer = prepare_.Get(isolate)->Call(
      context, v8::Undefined(isolate), arguments.size(), arguments.data()
  );
}

bool TypescriptChecker::warm_more() {
  v8::Isolate* const isolate = engine_.isolate();
  const v8::HandleScope scope(isolate);
  const auto context = context_.Get(isolate);
  const v8::Context::Scope entered(context);
  const v8::TryCatch nothing_escapes(isolate);
  v8::Local<v8::Value> step = v8::Integer::NewFromUnsigned(isolate, warm_up_step_++);
  v8::Local<v8::Value> more;
  return warm_up_.Get(isolate)->Call(context, v8::Undefined(isolate), 1, &step).ToLocal(&more) &&
         more->IsTrue();
}

}  // namespace sluice::codemode_runner
