// ScriptValue: what a script receives for a tool's result.
#pragma once

#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// A JSON value the promise is resolved with, or the text of the error it is rejected with.
struct ScriptValue {
  std::string json;
  std::string error;  // not empty: rejected

  [[nodiscard]] bool is_error() const { return !error.empty(); }
};

// Of a tools/call result: structuredContent where there is one; a single text parsed where it is a
// JSON object or array, else as a string; several items, and others than text, as the array of
// content; null where there is nothing. isError rejects with the text. So does a value over
// kValueBytesMax.
[[nodiscard]] ScriptValue value_of_result(std::string_view result);

// Of a JSON-RPC error member: always an error.
[[nodiscard]] ScriptValue value_of_error(std::string_view error);

// Of what the trail kept of a call: a result, or an error member.
[[nodiscard]] ScriptValue value_of_record(std::string_view kept);

}  // namespace sluice::codemode_sandbox
