#include "services/codemode-sandbox/runner/v8/text.h"

#include <algorithm>

namespace sluice::codemode_runner {

v8::Local<v8::String> make_string(v8::Isolate* isolate, std::string_view text) {
  return v8::String::NewFromUtf8(
             isolate, text.data(), v8::NewStringType::kNormal, static_cast<int>(text.size())
  )
      .ToLocalChecked();
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  constexpr unsigned char kContinuationMask = 0xc0;
  constexpr unsigned char kContinuation = 0x80;
  while (bytes_max > 0 &&
         (static_cast<unsigned char>(text[bytes_max]) & kContinuationMask) == kContinuation) {
    --bytes_max;
  }
  return text.substr(0, bytes_max);
}

std::string utf8_of(v8::Isolate* isolate, v8::Local<v8::String> text, std::size_t bytes_max) {
  constexpr std::size_t kBytesPerUnitMax = 3;
  const auto longest = static_cast<std::size_t>(text->Length()) * kBytesPerUnitMax;
  std::string bytes(std::min(longest, bytes_max), '\0');
  const int written = text->WriteUtf8(
      isolate,
      bytes.data(),
      static_cast<int>(bytes.size()),
      nullptr,
      v8::String::NO_NULL_TERMINATION | v8::String::REPLACE_INVALID_UTF8
  );
  bytes.resize(static_cast<std::size_t>(std::max(written, 0)));
  return bytes;
}

std::string describe(
    v8::Local<v8::Context> context, v8::Local<v8::Value> value, std::size_t bytes_max
) {
  v8::Isolate* const isolate = context->GetIsolate();
  const v8::TryCatch nothing_escapes(isolate);
  v8::Local<v8::String> text;
  if (!value->ToDetailString(context).ToLocal(&text)) {
    return "a value without a text";
  }
  return utf8_of(isolate, text, bytes_max);
}

v8::MaybeLocal<v8::Value> property(
    v8::Local<v8::Context> context, v8::Local<v8::Object> object, std::string_view name
) {
  v8::Isolate* const isolate = context->GetIsolate();
  const v8::TryCatch nothing_escapes(isolate);
  return object->Get(context, make_string(isolate, name));
}

}  // namespace sluice::codemode_runner
