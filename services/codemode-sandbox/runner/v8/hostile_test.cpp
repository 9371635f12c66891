// Scripts that want to harm: each ends in its typed outcome within its limit and half a second, and
// the next run is as good as before.
#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

using namespace codemode::v1;
using std::chrono::milliseconds;

class HostileScript : public ExecutorTest {
 protected:
  static void expect(const Ran& ran, Outcome outcome, milliseconds within) {
    EXPECT_EQ(ran.finished.outcome(), outcome)
        << ran.finished.DebugString() << "wait status " << ran.wait_status;
    EXPECT_FALSE(ran.finished.error().message().empty());
    EXPECT_FALSE(ran.finished.error().hint().empty());
    EXPECT_LE(ran.wall, within);
    EXPECT_LT(ran.finished.memory_peak_kib(), 250U << 10);
  }

  // A child that is killed at 800 ms is reaped a little later.
  static constexpr milliseconds kWithin{950};

  void TearDown() override {
    if (!IsSkipped()) {
      EXPECT_EQ(run("return 1").finished.value(), "1");
    }
  }
};

class TimeoutScript : public HostileScript, public ::testing::WithParamInterface<const char*> {};

TEST_P(TimeoutScript, EndsAtItsLimit) {
  const Ran ran = run(GetParam());

  expect(ran, OUTCOME_TIMEOUT, kWithin);
  EXPECT_GE(ran.wall, milliseconds(290));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    TimeoutScript,
    ::testing::Values(
        "while (true) {}",
        "for (;;) try { for (;;); } catch {} finally { continue }",
        "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
        "const spin = async () => { for (;;) await null }; await spin()",
        "const loop = () => Promise.resolve().then(loop); await loop()",
        "const grow = () => { queueMicrotask?.(grow) }; for (;;) await 0",
        "for (;;) console.log('again')",
        "for (;;) console.log()",
        "for (;;) console.log({a: 'x'.repeat(1000)})",
        "return {toJSON() { for (;;); }}",
        "await youtube.search({get a() { for (;;); }})",
        "throw Object.defineProperty(new Error('e'), 'stack', {get() { for (;;); }})",
        "console.log({get a() { for (;;); }}); for (;;);",
        "return 'x'.padEnd(2e7, '\\u0041\\u030a').normalize('NFC').normalize('NFD').length + (() "
        "=> { for (;;); })()",
        "Object.prototype.then = () => { for (;;); }; await youtube.search({})",
        "const u = new Uint8Array(3e7); for (;;) u.fill(1)"
    )
);

TEST_F(HostileScript, AStackOfAnErrorThatIsNeverReadDoesNotHang) {
  const Ran ran = run("throw {get stack() { for (;;); }, toString() { for (;;); }}");

  expect(ran, OUTCOME_SCRIPT_ERROR, milliseconds(300));
}

TEST_F(HostileScript, ACallWithoutAnAnswerEndsAtTheLimit) {
  const Ran ran = run("await youtube.search({})", [](const wire::ToolCall&) {
    return std::vector<wire::CallResult>();
  });

  expect(ran, OUTCOME_TIMEOUT, kWithin);
}

TEST_F(HostileScript, ComputingTimeHasALimitOfItsOwn) {
  wire::ToChild start = start_of("for (;;);");
  start.mutable_start()->mutable_limits()->set_wall_ms(5'000);
  start.mutable_start()->mutable_limits()->set_cpu_ms(100);

  const Ran ran = run(start);

  expect(ran, OUTCOME_TIMEOUT, milliseconds(2'000));
}

class MemoryScript : public HostileScript, public ::testing::WithParamInterface<const char*> {};

TEST_P(MemoryScript, EndsAtItsLimit) {
  wire::ToChild start = start_of(GetParam());
  start.mutable_start()->mutable_limits()->set_wall_ms(5'000);

  const Ran ran = run(start);

  expect(ran, OUTCOME_MEMORY, milliseconds(5'500));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    MemoryScript,
    ::testing::Values(
        "const a = []; for (;;) a.push({a: [1, 2, 3]})",
        "return new Array(2 ** 25).fill().length",
        "const a = []; for (;;) a.push(new Intl.DateTimeFormat())",
        "return 'a'.padEnd(2 ** 28).split('').length",
        "const s = 'ab'.repeat(2 ** 28 - 20); return s.indexOf('c') + s.charCodeAt(3)",
        "const m = new Map(); for (let i = 0; ; ++i) m.set(i, i)",
        "return Array.from({length: 1e9}).length",
        "return new Array(2 ** 32 - 1).fill(0).length",
        "const a = []; for (;;) a.push(Promise.resolve([1]))",
        "let s = 'x'; for (;;) { s = s + s + 'y'; try { JSON.stringify([s, s]) } catch {} }"
    )
);

TEST_F(HostileScript, AStringOfOneGigabyteIsRefused) {
  const Ran ran = run("return 'a'.repeat(2 ** 30)");

  expect(ran, OUTCOME_SCRIPT_ERROR, kWithin);
  EXPECT_EQ(ran.finished.error().message(), "RangeError: Invalid string length");
}

TEST_F(HostileScript, ArrayBuffersHaveALimit) {
  const Ran one = run("return new ArrayBuffer(2 ** 30).byteLength");
  const Ran many = run("const a = []; for (;;) a.push(new Uint8Array(2 ** 20))");

  expect(one, OUTCOME_SCRIPT_ERROR, kWithin);
  expect(many, OUTCOME_SCRIPT_ERROR, kWithin);
}

TEST_F(HostileScript, RecursionIsAnErrorOfTheScript) {
  for (const char* script :
       {"const f = () => f() + 1; return f()",
        "const p = () => new Proxy({}, {get: (t, k, r) => r[k]}); return p().x",
        "let a = []; for (let i = 0; i < 1e5; ++i) a = [a]; return a"}) {
    const Ran ran = run(script);

    expect(ran, OUTCOME_SCRIPT_ERROR, kWithin);
  }
}

TEST_F(HostileScript, APromiseNothingSettlesIsToldAtOnce) {
  for (const char* script :
       {"await new Promise(() => {})",
        "await youtube.search({}); await new Promise(() => {})",
        "await {then() {}}"}) {
    const Ran ran = run(script);

    expect(ran, OUTCOME_DEADLOCK, milliseconds(250));
  }
}

TEST_F(HostileScript, EndsWhenTheRunnerSendsWhatIsNoResult) {
  wire::ToChild compile;
  compile.mutable_compile()->set_source("return 1");

  const Ran ran = run(compile);

  EXPECT_FALSE(ran.said_it_itself);
  EXPECT_EQ(ran.finished.outcome(), OUTCOME_KILLED);
}

}  // namespace
}  // namespace sluice::codemode_runner
