#include "services/codemode-sandbox/runner/v8/tool_calls.h"

#include "services/codemode-sandbox/runner/v8/text.h"

#include <algorithm>
#include <map>
#include <set>

namespace sluice::codemode_runner {
namespace {

constexpr auto kFixed = static_cast<v8::PropertyAttribute>(v8::ReadOnly | v8::DontDelete);

// Name of a property -> index of its tool: the tools' own names, then aliases that are unambiguous.
std::map<std::string, int> properties_of(const wire::Namespace& space) {
  std::map<std::string, int> named;
  for (int i = 0; i < space.functions_size(); ++i) {
    named.emplace(space.functions(i), i);
  }
  std::map<std::string, int> aliases;
  std::set<std::string> ambiguous;
  for (int i = 0; i < space.functions_size(); ++i) {
    std::string alias = space.functions(i);
    std::replace_if(alias.begin(), alias.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    if (!named.contains(alias) && !aliases.emplace(alias, i).second) {
      ambiguous.insert(alias);
    }
  }
  for (const auto& [alias, index] : aliases) {
    if (!ambiguous.contains(alias)) {
      named.emplace(alias, index);
    }
  }
  return named;
}

v8::Local<v8::Object> tool_error(
    v8::Local<v8::Context> context,
    std::string_view code,
    std::string_view message,
    Place place,
    std::string_view path = {}
) {
  v8::Isolate* const isolate = context->GetIsolate();
  const auto error = v8::Exception::Error(make_string(isolate, message)).As<v8::Object>();
  const auto define = [&](const char* name, std::string_view text) {
    // Fails only when the run is being terminated.
    [[maybe_unused]] const auto defined = error->DefineOwnProperty(
        context, make_string(isolate, name), make_string(isolate, text), v8::DontEnum
    );
  };
  define("name", "ToolError");
  define("code", code);
  if (!path.empty()) {
    define("path", path);
  }
  mark_tool_error(context, error, place);
  return error;
}

void reject_with(
    v8::Local<v8::Context> context,
    v8::Local<v8::Promise::Resolver> resolver,
    v8::Local<v8::Value> reason
) {
  // Nothing only when the run is being terminated.
  [[maybe_unused]] const auto rejected = resolver->Reject(context, reason);
}

// The argument as one JSON object; empty when the script threw (caught) or it is no object.
std::string json_of(
    v8::Local<v8::Context> context, v8::Local<v8::Value> argument, bool* too_large
) {
  v8::Isolate* const isolate = context->GetIsolate();
  if (argument->IsUndefined()) {
    return "{}";
  }
  v8::Local<v8::String> text;
  if (!argument->IsObject() || !v8::JSON::Stringify(context, argument).ToLocal(&text)) {
    return {};
  }
  if (static_cast<std::size_t>(text->Length()) > kArgumentsBytesMax ||
      static_cast<std::size_t>(text->Utf8Length(isolate)) > kArgumentsBytesMax) {
    *too_large = true;
    return {};
  }
  std::string json = utf8_of(isolate, text, kArgumentsBytesMax);
  return json.starts_with('{') ? json : std::string();
}

}  // namespace

Result<void> ToolCalls::define(
    v8::Local<v8::Context> context,
    const google::protobuf::RepeatedPtrField<wire::Namespace>& namespaces
) {
  std::set<std::string_view> names;
  for (const auto& space : namespaces) {
    if (space.name().empty() || !names.insert(space.name()).second) {
      return Error(Code::Invalid, "a run has two namespaces of one name");
    }
    const v8::HandleScope scope(isolate_);
    define_one(context, space);
  }
  return {};
}

void ToolCalls::define_one(v8::Local<v8::Context> context, const wire::Namespace& space) {
  const auto object = v8::Object::New(isolate_, v8::Null(isolate_), nullptr, nullptr, 0);
  std::vector<v8::Local<v8::Function>> functions;
  for (const auto& name : space.functions()) {
    tools_.push_back({.calls = this, .server = space.name(), .function = name});
    const auto function = v8::Function::New(
                              context,
                              on_call,
                              v8::External::New(isolate_, &tools_.back()),
                              1,
                              v8::ConstructorBehavior::kThrow
    )
                              .ToLocalChecked();
    function->SetName(make_string(isolate_, name));
    functions.push_back(function);
  }
  for (const auto& [name, index] : properties_of(space)) {
    const auto& function = functions[static_cast<std::size_t>(index)];
    object->DefineOwnProperty(context, make_string(isolate_, name), function, kFixed).Check();
  }
  object->SetIntegrityLevel(context, v8::IntegrityLevel::kFrozen).Check();
  context->Global()
      ->DefineOwnProperty(context, make_string(isolate_, space.name()), object, kFixed)
      .Check();
}

void ToolCalls::on_call(const v8::FunctionCallbackInfo<v8::Value>& info) {
  const auto& tool = *static_cast<const Tool*>(info.Data().As<v8::External>()->Value());
  tool.calls->call(tool, info);
}

void ToolCalls::call(const Tool& tool, const v8::FunctionCallbackInfo<v8::Value>& info) {
  const auto context = isolate_->GetCurrentContext();
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) {
    return;
  }
  info.GetReturnValue().Set(resolver->GetPromise());
  const Place place = current_place(isolate_);
  const auto refuse = [&](std::string_view code, std::string_view message) {
    reject_with(context, resolver, tool_error(context, code, message, place));
  };
  if (const std::string over = limit_reached(); !over.empty()) {
    return refuse("Exhausted", over);
  }
  v8::TryCatch caught(isolate_);
  bool too_large = false;
  const v8::Local<v8::Value> argument = info[0];
  std::string arguments = json_of(context, argument, &too_large);
  if (caught.HasTerminated()) {
    caught.ReThrow();
    return;
  }
  if (caught.HasCaught()) {
    return reject_with(context, resolver, caught.Exception());
  }
  if (too_large) {
    return refuse("Invalid", "the arguments are over 1 MiB of JSON: send less in one call");
  }
  if (arguments.empty()) {
    return refuse(
        "Invalid",
        "a tool takes one object with its arguments: " + tool.server + "." + tool.function +
            "({...})"
    );
  }
  // Writing the arguments ran the script's code, which may have made calls of its own.
  if (const std::string over = limit_reached(); !over.empty()) {
    return refuse("Exhausted", over);
  }
  if (!send(tool, std::move(arguments), place)) {
    isolate_->TerminateExecution();
    return;
  }
  pending_.emplace(state_.calls, Pending{.resolver = {isolate_, resolver}, .call_site = place});
}

std::string ToolCalls::limit_reached() const {
  if (state_.calls >= state_.limits.calls_max()) {
    return "the script made all tool calls it may: do the rest in another run";
  }
  if (pending_.size() >= kCallsInFlightMax) {
    return "the script has " + std::to_string(kCallsInFlightMax) +
           " calls under way: await some before the next";
  }
  return {};
}

bool ToolCalls::send(const Tool& tool, std::string arguments, const Place& place) {
  ++state_.calls;
  wire::FromChild message;
  auto& call = *message.mutable_call();
  call.set_call_id(state_.calls);
  call.set_server(tool.server);
  call.set_function(tool.function);
  call.set_arguments(std::move(arguments));
  call.set_call_site(to_string(place));
  return state_.send(message);
}

void ToolCalls::settle(v8::Local<v8::Context> context, const wire::CallResult& result) {
  const auto found = pending_.find(result.call_id());
  if (found == pending_.end()) {
    return;
  }
  const v8::HandleScope scope(isolate_);
  const v8::TryCatch nothing_escapes(isolate_);
  const auto resolver = found->second.resolver.Get(isolate_);
  const Place place = found->second.call_site;
  pending_.erase(found);
  if (result.result_case() == wire::CallResult::kError) {
    const auto& error = result.error();
    return reject_with(
        context, resolver, tool_error(context, error.code(), error.message(), place, error.path())
    );
  }
  v8::Local<v8::Value> value;
  if (result.result_case() != wire::CallResult::kValue ||
      !v8::JSON::Parse(context, make_string(isolate_, result.value())).ToLocal(&value)) {
    return reject_with(
        context, resolver, tool_error(context, "Internal", "the tool's result is no JSON", place)
    );
  }
  // Nothing only when the run is being terminated.
  [[maybe_unused]] const auto resolved = resolver->Resolve(context, value);
}

}  // namespace sluice::codemode_runner
