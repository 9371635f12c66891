#include "services/codemode-sandbox/runner/v8/globals.h"

#include "services/codemode-sandbox/runner/v8/text.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace sluice::codemode_runner {
namespace {

constexpr std::size_t kNameBytesMax = 256;

constexpr std::array kGlobals{
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DataView",
    "Date",
    "Error",
    "EvalError",
    "Float32Array",
    "Float64Array",
    "Function",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakSet",
    "console",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "undefined",
    "unescape",
};

bool is_allowed(std::string_view name) {
  return std::find(kGlobals.begin(), kGlobals.end(), name) != kGlobals.end();
}

}  // namespace

std::span<const char* const> allowed_globals() {
  return kGlobals;
}

Result<void> remove_other_globals(v8::Local<v8::Context> context) {
  v8::Isolate* const isolate = context->GetIsolate();
  const auto global = context->Global();
  v8::Local<v8::Array> names;
  if (!global
           ->GetOwnPropertyNames(
               context, v8::ALL_PROPERTIES, v8::KeyConversionMode::kConvertToString
           )
           .ToLocal(&names)) {
    return Error(Code::Internal, "V8 does not tell the names of its globals");
  }
  for (std::uint32_t i = 0; i < names->Length(); ++i) {
    const v8::HandleScope scope(isolate);
    v8::Local<v8::Value> key;
    if (!names->Get(context, i).ToLocal(&key)) {
      return Error(Code::Internal, "V8 does not tell the names of its globals");
    }
    const std::string name =
        key->IsString() ? utf8_of(isolate, key.As<v8::String>(), kNameBytesMax) : std::string();
    if (!is_allowed(name) && !global->Delete(context, key).FromMaybe(false)) {
      return Error(Code::Internal, "V8 does not let go of the global " + name);
    }
  }
  return {};
}

}  // namespace sluice::codemode_runner
