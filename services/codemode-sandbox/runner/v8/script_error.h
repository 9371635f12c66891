// What a script threw, as the ScriptError its author sees.
#pragma once

#include "proto/sluice/codemode/v1/codemode.pb.h"

#include <v8.h>

#include <cstdint>
#include <string>

namespace sluice::codemode_runner {

// A place in the source, 1-based; 0 when unknown.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// "3:14", empty when unknown.
[[nodiscard]] std::string to_string(const Place& place);

// The line of the script that is running.
[[nodiscard]] Place current_place(v8::Isolate* isolate);

// Marks an error that was made by us for a tool call, with the place of the call.
void mark_tool_error(v8::Local<v8::Context> context, v8::Local<v8::Object> error, Place call_site);

// Message, place and stack of anything thrown. hint is used unless the error tells a better one.
[[nodiscard]] codemode::v1::ScriptError script_error(
    v8::Local<v8::Context> context, v8::Local<v8::Value> thrown, const char* hint
);

// The same for what TryCatch holds (syntax errors, whose place only the message knows).
[[nodiscard]] codemode::v1::ScriptError script_error(
    v8::Local<v8::Context> context, const v8::TryCatch& caught, const char* hint
);

}  // namespace sluice::codemode_runner
