#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

namespace sluice::codemode_runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace codemode::v1;

class Executor : public ExecutorTest {};

TEST_F(Executor, ReturnsTheValueAsJson) {
  const Ran ran = run("return {sum: 1 + 2, list: [null, true, '\u00e4']}");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_OK) << ran.finished.DebugString();
  EXPECT_EQ(ran.finished.value(), R"({"sum":3,"list":[null,true,"ä"]})");
  EXPECT_GT(ran.finished.wall_us(), 0U);
  EXPECT_GT(ran.finished.memory_peak_kib(), 0U);
  EXPECT_TRUE(WIFEXITED(ran.wait_status));
}

TEST_F(Executor, ReturnsNothingForUndefined) {
  for (const char* script : {"", "return", "return undefined // comment", "return {toJSON() {}}"}) {
    const Ran ran = run(script);

    EXPECT_EQ(ran.finished.outcome(), OUTCOME_OK) << script << ran.finished.DebugString();
    EXPECT_EQ(ran.finished.value(), "") << script;
  }
}

TEST_F(Executor, CallsToolsAndAwaitsTheirResults) {
  const Ran ran =
      run("const first = await youtube.search({q: 'cats', max: 2});\n"
          "return [first, await youtube.get_video({id: 1}), await youtube['get-video'](), "
          "await youtube.delete({})]");

  EXPECT_EQ(ran.finished.value(), R"([{"q":"cats","max":2},{"id":1},{},{}])")
      << ran.finished.DebugString();
  ASSERT_EQ(ran.calls.size(), 4U);
  EXPECT_EQ(ran.calls[0].call_id(), 1U);
  EXPECT_EQ(ran.calls[0].server(), "youtube");
  EXPECT_EQ(ran.calls[0].function(), "search");
  EXPECT_EQ(ran.calls[0].arguments(), R"({"q":"cats","max":2})");
  EXPECT_EQ(ran.calls[0].call_site(), "1:29");
  EXPECT_EQ(ran.calls[1].function(), "get-video");
  EXPECT_EQ(ran.calls[3].call_id(), 4U);
  EXPECT_EQ(ran.finished.calls(), 4U);
}

TEST_F(Executor, RunsCallsAtTheSameTime) {
  std::vector<wire::ToolCall> seen;
  const Host answer_all_backwards = [&seen](const wire::ToolCall& call) {
    seen.push_back(call);
    std::vector<wire::CallResult> results;
    for (std::size_t i = seen.size(); seen.size() == 5 && i > 0; --i) {
      results.push_back(value_of(seen[i - 1], std::to_string(seen[i - 1].call_id() * 10)));
    }
    return results;
  };

  const Ran ran =
      run("const order = [];"
          "const all = await Promise.all([1, 2, 3, 4, 5].map(async (i) => {"
          " const r = await youtube.search({i}); order.push(i); return r; }));"
          "return {all, order}",
          answer_all_backwards);

  EXPECT_EQ(ran.finished.value(), R"({"all":[10,20,30,40,50],"order":[5,4,3,2,1]})");
}

TEST_F(Executor, RejectsThePromiseOfAFailedCall) {
  const Host deny = [](const wire::ToolCall& call) {
    return std::vector{error_of(call, "Denied", "policy says no")};
  };

  const Ran caught =
      run("try { await youtube.search({}) } catch (e) {"
          " return [e.code, e.message, e.name, e instanceof Error] }",
          deny);
  const Ran uncaught = run("const a = 1;\n  await youtube.search({})", deny);

  EXPECT_EQ(caught.finished.value(), R"(["Denied","policy says no","ToolError",true])");
  EXPECT_EQ(uncaught.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(uncaught.finished.error().message(), HasSubstr("policy says no"));
  EXPECT_EQ(uncaught.finished.error().line(), 2U);
  EXPECT_EQ(uncaught.finished.error().column(), 17U);
  EXPECT_THAT(uncaught.finished.error().hint(), HasSubstr("try/catch"));
}

TEST_F(Executor, ToldWhereAValueDoesNotFitItsSchema) {
  const Host misfit = [](const wire::ToolCall& call) {
    auto result = error_of(call, "invalid_arguments", "does not fit at /list/1");
    result.mutable_error()->set_path("/list/1");
    return std::vector{result};
  };

  const Ran ran =
      run("try { await youtube.search({list: [1, 'x']}) } catch (e) { return [e.code, e.path] }",
          misfit);

  EXPECT_EQ(ran.finished.value(), R"(["invalid_arguments","/list/1"])");
}

TEST_F(Executor, RefusesArgumentsThatAreNoObject) {
  const Ran ran =
      run("const seen = [];"
          "const loop = {}; loop.self = loop;"
          "for (const bad of [1, 'x', null, [1], new Date(0), loop, {n: 1n},"
          " {toJSON() { throw new Error('mine') }}, {a: 'x'.repeat(2 ** 20)}, () => 1])"
          " try { await youtube.search(bad); seen.push('sent'); } catch (e) { seen.push(e.code ?? "
          "e.message) }"
          "return seen");

  EXPECT_EQ(ran.calls.size(), 0U);
  EXPECT_THAT(
      ran.finished.value(), HasSubstr(R"(["Invalid","Invalid","Invalid","Invalid","Invalid",)")
  );
  EXPECT_THAT(ran.finished.value(), HasSubstr(R"("mine","Invalid","Invalid"])"));
}

TEST_F(Executor, EndsCallsAtTheirMost) {
  wire::ToChild start = start_of(
      "for (let i = 0; ; ++i) try { await youtube.search({}) } catch (e) { return [i, e.code] }"
  );
  start.mutable_start()->mutable_limits()->set_calls_max(3);

  const Ran ran = run(start);

  EXPECT_EQ(ran.finished.value(), R"([3,"Exhausted"])");
  EXPECT_EQ(ran.calls.size(), 3U);
}

TEST_F(Executor, NamespacesAreFrozenAndHaveNothingElse) {
  const Ran ran = run(
      "const seen = [];"
      "for (const f of [() => { youtube.search = 1 }, () => { youtube.more = 1 }, () => { youtube "
      "= 1 },"
      " () => { delete youtube.search }]) try { f(); seen.push('done') } catch (e) { "
      "seen.push(e.name) }"
      "return [seen, Object.keys(youtube).sort(), 'toString' in youtube, youtube.a_b === undefined]"
  );

  EXPECT_EQ(
      ran.finished.value(),
      R"([["TypeError","TypeError","TypeError","TypeError"],["a-b","a.b","delete","get-video","get_video","search"],false,true])"
  );
}

TEST_F(Executor, TellsPlaceAndStackOfAnUncaughtError) {
  const Ran ran = run(
      "const a = 1;\nfunction inner(x) {\n    return x.y.z;\n}\nconsole.log(a);\nreturn inner({});"
  );
  const Ran first_line = run("  null.x");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(ran.finished.error().message(), StartsWith("TypeError: "));
  EXPECT_EQ(ran.finished.error().line(), 3U);
  EXPECT_EQ(ran.finished.error().column(), 16U);
  EXPECT_THAT(ran.finished.error().stack(), HasSubstr("inner (script.ts:3:16)"));
  EXPECT_THAT(ran.finished.error().stack(), HasSubstr("script.ts:6:8"));
  EXPECT_FALSE(ran.finished.error().hint().empty());
  EXPECT_EQ(first_line.finished.error().line(), 1U);
  EXPECT_EQ(first_line.finished.error().column(), 8U);
}

TEST_F(Executor, TellsWhatWasThrownWhateverItIs) {
  for (const char* thrown :
       {"5",
        "'text'",
        "undefined",
        "null",
        "Symbol('s')",
        "{toString() { throw 1 }}",
        "10n",
        "Object.create(null)",
        "new Proxy({}, {get() { throw 1 }, getPrototypeOf() { throw 2 }})",
        "Object.defineProperty(new Error('e'), 'message', {get() { throw 1 }})",
        "Object.defineProperty(new Error('e'), 'stack', {get() { throw 1 }})",
        "Object.assign(new Error('e'), {stack: {}})",
        "function () {}",
        "'\\ud800'"}) {
    const Ran ran = run("throw (" + std::string(thrown) + ")");

    EXPECT_EQ(ran.finished.outcome(), OUTCOME_SCRIPT_ERROR) << thrown;
    EXPECT_TRUE(ran.said_it_itself) << thrown;
    EXPECT_FALSE(ran.finished.error().message().empty()) << thrown;
  }
}

TEST_F(Executor, BoundsTheTextsOfAnError) {
  const Ran ran = run("throw new Error('\u00e4'.repeat(1e5))");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_LE(ran.finished.error().message().size(), std::size_t{4} << 10);
  EXPECT_LE(ran.finished.error().stack().size(), std::size_t{8} << 10);
}

TEST_F(Executor, DoesNotCompileWhatIsNoScript) {
  const Ran syntax = run("const a = 1;\nconst a = 2;");
  const Ran brackets = run("}); (async function () {");

  EXPECT_EQ(syntax.finished.outcome(), OUTCOME_TYPE_ERROR);
  EXPECT_THAT(syntax.finished.error().message(), HasSubstr("already been declared"));
  EXPECT_EQ(syntax.finished.error().line(), 2U);
  EXPECT_EQ(syntax.finished.error().column(), 7U);
  EXPECT_EQ(
      brackets.finished.outcome(), OUTCOME_OK
  );  // a second function, harmless; the compiler refuses it
}

TEST_F(Executor, SaysWhyAValueIsNoJson) {
  const Ran bigint = run("return {n: 1n}");
  const Ran circular = run("const a = {}; a.a = a; return a");
  const Ran throwing = run("return {toJSON() { throw new Error('mine') }}");
  const Ran function = run("return () => 1");
  wire::ToChild small = start_of("return 'x'.repeat(100)");
  small.mutable_start()->mutable_limits()->set_value_bytes(101);
  const Ran large = run(small);

  EXPECT_EQ(bigint.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(bigint.finished.error().message(), HasSubstr("BigInt"));
  EXPECT_EQ(circular.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(circular.finished.error().message(), HasSubstr("circular"));
  EXPECT_EQ(throwing.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(throwing.finished.error().message(), HasSubstr("mine"));
  EXPECT_EQ(function.finished.outcome(), OUTCOME_OK);
  EXPECT_THAT(function.console_text(), HasSubstr("a function or a symbol"));
  EXPECT_EQ(large.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(large.finished.error().message(), HasSubstr("102 bytes"));
  EXPECT_THAT(large.finished.error().hint(), HasSubstr("return less"));
}

TEST_F(Executor, WritesTheConsoleReadably) {
  const Ran ran =
      run("console.log('plain', 1, true, null, undefined, 10n, Symbol('s'));"
          "console.info({a: [1, 'x', {b: null}]}, [], {});"
          "console.warn(new Map([['k', 1]]), new Set([1]), () => 1, function named() {});"
          "console.error(new Date(0), /x/, new Proxy({}, {}));"
          "const loop = {}; loop.self = loop; console.debug(loop, {get bad() { throw 1 }});"
          "console.log()");

  std::vector<std::string> lines;
  for (const auto& line : ran.console) {
    lines.push_back(line.level() + " " + line.text());
  }
  EXPECT_THAT(
      lines,
      ElementsAre(
          "log plain 1 true null undefined 10n Symbol(s)",
          R"(info {"a":[1,"x",{"b":null}]} [] {})",
          R"(warn Map["k",1] Set[1] [Function] [Function named])",
          R"(error "1970-01-01T00:00:00.000Z" /x/ [Proxy])",
          R"(debug {"self":[Circular]} {...})",
          "log "
      )
  );
}

TEST_F(Executor, BoundsTheConsole) {
  wire::ToChild start = start_of(
      "console.log('x'.repeat(20000)); for (let i = 0; i < 100; ++i) console.log('y'.repeat(1000))"
  );
  start.mutable_start()->mutable_limits()->set_console_bytes(20'000);

  const Ran ran = run(start);

  std::size_t sent = 0;
  for (const auto& line : ran.console) {
    sent += line.text().size();
  }
  EXPECT_EQ(ran.console[0].text().size(), std::size_t{16} << 10);
  EXPECT_LE(sent, 20'000U);
  EXPECT_EQ(sent + ran.finished.console_bytes_dropped(), 120'000U);
}

TEST_F(Executor, HasNoWayToCodeFromTextOrSharedMemory) {
  const Ran ran = run(
      "const seen = [];"
      "for (const name of ['eval', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef',"
      " 'FinalizationRegistry', 'ShadowRealm', 'setTimeout', 'require', 'process', 'fetch'])"
      " if (typeof globalThis[name] !== 'undefined') seen.push(name);"
      "for (const f of [() => new Function('return 1')(), () => (async () => "
      "{}).constructor('1')(),"
      " () => (function* () {}).constructor('1')()])"
      " try { f(); seen.push('ran') } catch (e) { if (e.name !== 'EvalError') seen.push(e.name) }"
      "try { await import('x'); seen.push('imported') } catch (e) { }"
      "return [seen, this === undefined]"
  );

  EXPECT_EQ(ran.finished.value(), "[[],true]") << ran.finished.DebugString();
}

TEST_F(Executor, SameSeedAndClockGiveTheSameRun) {
  const char* script =
      "const before = Date.now(); for (let i = 0; i < 1e4; ++i);"
      "const same = Date.now() === before; await youtube.search({});"
      "return [Math.random(), Math.random(), before, same, new Date(before).toString(),"
      " Date.now() >= before && Date.now() - before < 1000]";
  wire::ToChild other = start_of(script);
  other.mutable_start()->set_seed(2);

  const Ran first = run(script);
  const Ran again = run(script);
  const Ran different = run(other);

  EXPECT_EQ(first.finished.outcome(), OUTCOME_OK);
  EXPECT_EQ(first.finished.value(), again.finished.value());
  EXPECT_NE(first.finished.value(), different.finished.value());
  EXPECT_THAT(
      first.finished.value(),
      HasSubstr(
          R"x(,1700000000000,true,"Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)",true])x"
      )
  );
}

TEST_F(Executor, KnowsTimeZonesAndLanguagesWithoutFiles) {
  const Ran ran =
      run("return [new Date(0).toLocaleString('de-DE', {timeZone: 'Asia/Tokyo'}),"
          " new Intl.NumberFormat('fr-FR').format(1234.5), '\u00c4'.localeCompare('B', 'sv')]");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_OK);
  EXPECT_THAT(ran.finished.value(), HasSubstr("1.1.1970, 09:00:00"));
}

TEST_F(Executor, WarnsOfRejectionsNobodyHandles) {
  const Ran ran =
      run("Promise.reject(new Error('lost')); const kept = Promise.reject(new Error('kept'));"
          "try { await kept } catch {} return 1");

  EXPECT_EQ(ran.finished.value(), "1");
  EXPECT_THAT(ran.console_text(), HasSubstr("warn: unhandled rejection: Error: lost"));
  EXPECT_THAT(ran.console_text(), ::testing::Not(HasSubstr("kept")));
}

TEST_F(Executor, EndsWhenTheMainFunctionReturnsThoughCallsAreOpen) {
  const Host never = [](const wire::ToolCall&) { return std::vector<wire::CallResult>(); };

  const Ran ran = run("youtube.search({a: 1}); return 'done'", never);

  EXPECT_EQ(ran.finished.value(), R"("done")");
  EXPECT_EQ(ran.calls.size(), 1U);
}

TEST_F(Executor, ASmallerHeapIsReachedSooner) {
  const std::string script =
      "const a = []; for (let i = 0; i < 1e6; ++i) a.push({i}); return a.length";
  wire::ToChild small = start_of(script);
  small.mutable_start()->mutable_limits()->set_wall_ms(5'000);
  small.mutable_start()->mutable_limits()->set_heap_bytes(std::uint64_t{16} << 20);
  wire::ToChild large = small;
  large.mutable_start()->mutable_limits()->set_heap_bytes(std::uint64_t{128} << 20);

  EXPECT_EQ(run(small).finished.outcome(), OUTCOME_MEMORY);
  EXPECT_EQ(run(large).finished.outcome(), OUTCOME_OK);
}

}  // namespace
}  // namespace sluice::codemode_runner
