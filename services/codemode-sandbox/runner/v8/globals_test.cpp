#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

class Globals : public ExecutorTest {};

// The published allow-list (README.md) and the namespace of the fixture.
constexpr const char* kAllowed =
    "AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date "
    "Error EvalError Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array "
    "Intl JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp "
    "Set String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array "
    "Uint8ClampedArray WeakMap WeakSet console decodeURI decodeURIComponent encodeURI "
    "encodeURIComponent escape globalThis isFinite isNaN parseFloat parseInt undefined unescape "
    "youtube";

// Sorted names of everything a script can reach by name, symbols and prototypes included.
const char* const kNames =
    "const names = () => { const all = new Set();"
    " for (let o = globalThis; o !== null && o !== Object.prototype; o = Object.getPrototypeOf(o))"
    "  for (const k of Reflect.ownKeys(o)) all.add(String(k));"
    " return [...all].filter((k) => k !== 'constructor').sort().join(' ') };";

TEST_F(Globals, AreThoseOfTheList) {
  const Ran ran = run(std::string(kNames) + "return names()");

  EXPECT_EQ(ran.finished.value(), "\"" + std::string(kAllowed) + "\"");
}

TEST_F(Globals, AreTheSameAfterErrorsCallsAndGarbage) {
  const Ran ran =
      run(std::string(kNames) +
          "const seen = new Set([names()]);"
          "try { null.x } catch { seen.add(names()) }"
          "await Promise.resolve().then(() => seen.add(names()));"
          "await youtube.search({}); seen.add(names());"
          "for (let i = 0; i < 3e5; ++i) ({i}); seen.add(names());"
          "try { (function f() { f() })() } catch { seen.add(names()) }"
          "try { new Function('return 1')() } catch { seen.add(names()) }"
          "return seen.size");

  EXPECT_EQ(ran.finished.value(), "1") << ran.finished.DebugString();
}

TEST_F(Globals, ConsoleHasFiveFunctionsAndNothingElse) {
  const Ran ran = run("return Reflect.ownKeys(console).sort()");

  EXPECT_EQ(ran.finished.value(), R"(["debug","error","info","log","warn"])");
}

}  // namespace
}  // namespace sluice::codemode_runner
