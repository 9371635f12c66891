#include "services/codemode-sandbox/domain/declarations/script_names.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>

namespace sluice::codemode_sandbox {
namespace {

using Names = std::set<std::string, std::less<>>;

// Reserved words, and what the runtime or its type library has as a global.
const Names& taken_globals() {
  static const Names names{
      "AggregateError",
      "Array",
      "ArrayBuffer",
      "AsyncDisposableStack",
      "Atomics",
      "BigInt",
      "BigInt64Array",
      "BigUint64Array",
      "Boolean",
      "Buffer",
      "DataView",
      "Date",
      "DisposableStack",
      "Error",
      "EvalError",
      "FinalizationRegistry",
      "Float16Array",
      "Float32Array",
      "Float64Array",
      "Function",
      "Infinity",
      "Int16Array",
      "Int32Array",
      "Int8Array",
      "Intl",
      "Iterator",
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
      "SharedArrayBuffer",
      "String",
      "SuppressedError",
      "Symbol",
      "SyntaxError",
      "TextDecoder",
      "TextEncoder",
      "TypeError",
      "URIError",
      "URL",
      "URLSearchParams",
      "Uint16Array",
      "Uint32Array",
      "Uint8Array",
      "Uint8ClampedArray",
      "WeakMap",
      "WeakRef",
      "WeakSet",
      "WebAssembly",
      "any",
      "arguments",
      "as",
      "async",
      "atob",
      "await",
      "boolean",
      "break",
      "btoa",
      "case",
      "catch",
      "class",
      "clearInterval",
      "clearTimeout",
      "console",
      "const",
      "constructor",
      "continue",
      "crypto",
      "debugger",
      "declare",
      "decodeURI",
      "decodeURIComponent",
      "default",
      "delete",
      "do",
      "else",
      "encodeURI",
      "encodeURIComponent",
      "enum",
      "escape",
      "eval",
      "export",
      "exports",
      "extends",
      "false",
      "fetch",
      "finally",
      "for",
      "function",
      "get",
      "global",
      "globalThis",
      "hasOwnProperty",
      "if",
      "implements",
      "import",
      "in",
      "instanceof",
      "interface",
      "isFinite",
      "isNaN",
      "isPrototypeOf",
      "let",
      "module",
      "namespace",
      "never",
      "new",
      "null",
      "number",
      "object",
      "of",
      "package",
      "parseFloat",
      "parseInt",
      "performance",
      "private",
      "process",
      "propertyIsEnumerable",
      "protected",
      "public",
      "queueMicrotask",
      "require",
      "return",
      "self",
      "set",
      "setInterval",
      "setTimeout",
      "static",
      "string",
      "structuredClone",
      "super",
      "switch",
      "symbol",
      "this",
      "throw",
      "toLocaleString",
      "toString",
      "true",
      "try",
      "type",
      "typeof",
      "undefined",
      "unescape",
      "unknown",
      "using",
      "valueOf",
      "var",
      "void",
      "while",
      "window",
      "with",
      "yield"
  };
  return names;
}

bool starts_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

bool continues_identifier(char c) {
  return starts_identifier(c) || (c >= '0' && c <= '9');
}

bool means_something(std::string_view name) {
  return name == "then" || name == "toJSON" || name == "__proto__";
}

// One "_" for each character that cannot stay, however many bytes it has.
std::string identifier_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool continues_character = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (continues_identifier(c)) {
      out.push_back(c);
    } else if (!continues_character) {
      out.push_back('_');
    }
  }
  if (out.empty() || !starts_identifier(out.front())) {
    out.insert(out.begin(), '_');
  }
  return means_something(out) ? out + "_" : out;
}

std::string numbered(const std::string& base, std::map<std::string, int>& next, Names& taken) {
  if (taken.insert(base).second) {
    return base;
  }
  int& number = next.try_emplace(base, 2).first->second;
  for (;; ++number) {  // ends: only finitely many names are taken
    std::string name = base + "_" + std::to_string(number);
    if (taken.insert(name).second) {
      return name;
    }
  }
}

}  // namespace

bool is_identifier(std::string_view name) {
  return !name.empty() && starts_identifier(name.front()) &&
         std::all_of(name.begin(), name.end(), continues_identifier);
}

std::vector<std::string> server_script_names(const std::vector<std::string>& real) {
  const auto stays = [](const std::string& name) {
    return is_identifier(name) && !taken_globals().contains(name) && !name.starts_with("__");
  };
  Names taken;
  std::copy_if(real.begin(), real.end(), std::inserter(taken, taken.end()), stays);
  std::map<std::string, int> next;
  std::vector<std::string> names;
  names.reserve(real.size());
  for (const std::string& name : real) {
    const std::string base = identifier_of(name);
    const std::string other = base == name ? base + "_" : base;
    names.push_back(stays(name) ? name : numbered(other, next, taken));
  }
  return names;
}

std::vector<std::string> tool_script_names(const std::vector<std::string>& real) {
  const auto stays = [](const std::string& name) {
    return is_identifier(name) && !means_something(name);
  };
  Names taken;
  std::copy_if(real.begin(), real.end(), std::inserter(taken, taken.end()), stays);
  std::map<std::string, int> next;
  std::vector<std::string> names;
  names.reserve(real.size());
  for (const std::string& name : real) {
    names.push_back(stays(name) ? name : numbered(identifier_of(name), next, taken));
  }
  return names;
}

}  // namespace sluice::codemode_sandbox
