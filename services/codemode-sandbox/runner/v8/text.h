// Between V8's strings and ours. Whatever a script made may throw, run code or be huge: each
// function here is safe with it and bounded.
#pragma once

#include <v8.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::codemode_runner {

// The text must be UTF-8 and at most 512 MB, V8's own bound.
[[nodiscard]] v8::Local<v8::String> make_string(v8::Isolate* isolate, std::string_view text);

// At most bytes_max bytes of valid UTF-8, cut between characters.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

// Valid UTF-8 of at most bytes_max bytes, cut between characters.
[[nodiscard]] std::string utf8_of(
    v8::Isolate* isolate, v8::Local<v8::String> text, std::size_t bytes_max
);

// A text for any value, without running code of the script.
[[nodiscard]] std::string describe(
    v8::Local<v8::Context> context, v8::Local<v8::Value> value, std::size_t bytes_max
);

// object[name], empty when that throws.
[[nodiscard]] v8::MaybeLocal<v8::Value> property(
    v8::Local<v8::Context> context, v8::Local<v8::Object> object, std::string_view name
);

}  // namespace sluice::codemode_runner
