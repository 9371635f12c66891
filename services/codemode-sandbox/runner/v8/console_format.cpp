#include "services/codemode-sandbox/runner/v8/console_format.h"

#include "services/codemode-sandbox/runner/v8/text.h"

#include <algorithm>

namespace sluice::codemode_runner {
namespace {

constexpr std::size_t kDepthMax = 6;
constexpr std::uint32_t kEntriesMax = 200;

}  // namespace

void ConsoleLine::add(v8::Local<v8::Value> value) {
  const v8::HandleScope scope(isolate_);
  const v8::TryCatch nothing_escapes(isolate_);
  if (!first_) {
    put(" ");
  }
  first_ = false;
  if (value->IsString()) {
    put(value.As<v8::String>());
  } else {
    put_value(value);
  }
}

void ConsoleLine::put(std::string_view text) {
  const std::size_t room = bytes_max_ - std::min(bytes_max_, text_.size());
  const std::string_view kept = cut_utf8(text, room);
  text_.append(kept);
  cut_bytes_ += text.size() - kept.size();
}

void ConsoleLine::put(v8::Local<v8::String> text) {
  const std::size_t room = bytes_max_ - std::min(bytes_max_, text_.size());
  const std::string bytes = utf8_of(isolate_, text, room);
  text_.append(bytes);
  // A text that fills its room may have been cut: only then its length is counted.
  if (bytes.size() + 3 > room) {
    const auto whole = static_cast<std::size_t>(text->Utf8Length(isolate_));
    cut_bytes_ += whole - std::min(whole, bytes.size());
  }
}

void ConsoleLine::put_quoted(v8::Local<v8::String> text) {
  v8::Local<v8::String> quoted;
  constexpr int kQuotedUnitsMax = 1 << 16;  // more would not fit in a line anyway
  if (text->Length() > kQuotedUnitsMax) {
    put("\"");
    put(text);
  } else if (v8::JSON::Stringify(context_, text).ToLocal(&quoted)) {
    put(quoted);
  }
}

void ConsoleLine::put_value(v8::Local<v8::Value> value) {
  if (full()) {
    return;
  }
  if (value->IsString()) {
    return put_quoted(value.As<v8::String>());
  }
  if (value->IsProxy()) {
    return put("[Proxy]");
  }
  if (value->IsFunction()) {
    v8::Local<v8::Value> name = value.As<v8::Function>()->GetDebugName();
    put("[Function");
    if (name->IsString() && name.As<v8::String>()->Length() > 0) {
      put(" ");
      put(name.As<v8::String>());
    }
    return put("]");
  }
  if (value->IsBigInt()) {
    put(std::string_view(describe(context_, value, bytes_max_)));
    return put("n");
  }
  if (!value->IsObject()) {
    return put(std::string_view(describe(context_, value, bytes_max_)));
  }
  const auto object = value.As<v8::Object>();
  for (const auto& outer : inside_) {
    if (outer->StrictEquals(object)) {
      return put("[Circular]");
    }
  }
  if (inside_.size() >= kDepthMax) {
    return put(value->IsArray() ? "[...]" : "{...}");
  }
  inside_.push_back(object);
  put_object(object);
  inside_.pop_back();
}

void ConsoleLine::put_object(v8::Local<v8::Object> object) {
  if (object->IsArray()) {
    return put_items(object.As<v8::Array>());
  }
  if (object->IsNativeError()) {
    return put_error(object);
  }
  if (object->IsMap()) {
    return put_collection("Map", object.As<v8::Map>()->AsArray());
  }
  if (object->IsSet()) {
    return put_collection("Set", object.As<v8::Set>()->AsArray());
  }
  if (object->IsPromise()) {
    return put("[Promise]");
  }
  if (object->IsDate()) {
    v8::Local<v8::String> text;
    if (v8::JSON::Stringify(context_, object).ToLocal(&text)) {
      put(text);
    }
    return;
  }
  if (object->IsRegExp()) {
    put("/");
    put(object.As<v8::RegExp>()->GetSource());
    return put("/");
  }
  if (object->IsArrayBuffer() || object->IsArrayBufferView() || object->IsSymbolObject() ||
      object->IsNumberObject() || object->IsStringObject()) {
    return put(std::string_view(describe(context_, object, bytes_max_)));
  }
  put_entries(object);
}

void ConsoleLine::put_entries(v8::Local<v8::Object> object) {
  v8::Local<v8::Array> names;
  const auto filter = static_cast<v8::PropertyFilter>(v8::ONLY_ENUMERABLE | v8::SKIP_SYMBOLS);
  if (!object->GetOwnPropertyNames(context_, filter, v8::KeyConversionMode::kConvertToString)
           .ToLocal(&names)) {
    return put("{...}");
  }
  put("{");
  for (std::uint32_t i = 0; i < names->Length() && !full(); ++i) {
    const v8::HandleScope scope(isolate_);
    put(i == 0 ? "" : ",");
    if (i >= kEntriesMax) {
      put("...");
      break;
    }
    v8::Local<v8::Value> name;
    v8::Local<v8::Value> value;
    if (!names->Get(context_, i).ToLocal(&name) || !name->IsString() ||
        !object->Get(context_, name).ToLocal(&value)) {
      put("...");
      break;  // a getter threw, or the run is over
    }
    put_quoted(name.As<v8::String>());
    put(":");
    put_value(value);
  }
  put("}");
}

void ConsoleLine::put_items(v8::Local<v8::Array> array) {
  put("[");
  for (std::uint32_t i = 0; i < array->Length() && !full(); ++i) {
    const v8::HandleScope scope(isolate_);
    put(i == 0 ? "" : ",");
    v8::Local<v8::Value> value;
    if (i >= kEntriesMax || !array->Get(context_, i).ToLocal(&value)) {
      put("...");
      break;
    }
    put_value(value);
  }
  put("]");
}

void ConsoleLine::put_collection(std::string_view name, v8::Local<v8::Array> items) {
  put(name);
  put_items(items);
}

void ConsoleLine::put_error(v8::Local<v8::Object> error) {
  v8::Local<v8::Value> stack;
  if (inside_.size() == 1 && property(context_, error, "stack").ToLocal(&stack) &&
      stack->IsString() && stack.As<v8::String>()->Length() > 0) {
    return put(stack.As<v8::String>());
  }
  put(std::string_view(describe(context_, error, bytes_max_)));
}

}  // namespace sluice::codemode_runner
