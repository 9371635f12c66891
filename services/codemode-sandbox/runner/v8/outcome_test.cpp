// What happens to a script at each limit and in each odd end; the table of README.md in this order.
#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace sluice::codemode_runner {
namespace {

using codemode::v1::OUTCOME_DEADLOCK;
using codemode::v1::OUTCOME_OK;
using codemode::v1::OUTCOME_SCRIPT_ERROR;
using codemode::v1::OUTCOME_TIMEOUT;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class RunOutcome : public ExecutorTest {
 protected:
  static std::vector<wire::CallResult> never(const wire::ToolCall& /*call*/) { return {}; }
};

TEST_F(RunOutcome, CallsInFlightHaveALimitOfTheirOwn) {
  wire::ToChild start = start_of(
      "const codes = new Map();"
      "for (let i = 0; i < 300; ++i)"
      "  youtube.search({i}).catch((e) => codes.set(e.code, (codes.get(e.code) ?? 0) + 1));"
      "await null; await null; return [...codes]"
  );
  start.mutable_start()->mutable_limits()->set_calls_max(1'000);

  const Ran ran = run(start, never);

  EXPECT_EQ(ran.finished.value(), R"([["Exhausted",44]])") << ran.finished.DebugString();
  EXPECT_EQ(ran.calls.size(), 256U);
}

TEST_F(RunOutcome, CallsMadeWhileArgumentsAreWrittenCountToo) {
  wire::ToChild start = start_of(
      "let codes = []; const o = {toJSON() { youtube.search(o).catch((e) => codes.push(e.code)); "
      "return {} }};"
      "await youtube.search(o).catch((e) => codes.push(e.code)); return new "
      "Set(codes).has('Exhausted')"
  );
  start.mutable_start()->mutable_limits()->set_calls_max(5);

  const Ran ran = run(start);

  EXPECT_EQ(ran.finished.value(), "true") << ran.finished.DebugString();
  EXPECT_LE(ran.calls.size(), 5U);
}

TEST_F(RunOutcome, CallsThatWereNotAwaitedAreToldOf) {
  const Ran ran = run("youtube.search({}); youtube.search({}); return 1", never);

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_OK);
  EXPECT_EQ(ran.finished.value(), "1");
  EXPECT_EQ(ran.calls.size(), 2U);
  EXPECT_THAT(
      ran.console_text(), HasSubstr("warn: calls the script did not await when it ended: 2")
  );
}

TEST_F(RunOutcome, MapsAndSetsAreWarnedOf) {
  for (const char* script : {"return new Map([[1, 2]])", "return new Set([1])"}) {
    const Ran ran = run(script);

    EXPECT_EQ(ran.finished.value(), "{}") << script;
    EXPECT_THAT(ran.console_text(), HasSubstr("Map or Set")) << script;
  }
}

TEST_F(RunOutcome, ProxiesAndThenablesAsValuesAreWhatTheySay) {
  EXPECT_EQ(run("return new Proxy({a: 1}, {})").finished.value(), R"({"a":1})");
  EXPECT_EQ(run("return {then(ok) { ok({a: 2}) }}").finished.value(), R"({"a":2})");
  EXPECT_EQ(run("return {then() {}}").finished.outcome(), OUTCOME_DEADLOCK);

  const Ran throws = run("return new Proxy({}, {ownKeys() { throw new Error('mine') }})");
  EXPECT_EQ(throws.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(throws.finished.error().message(), HasSubstr("mine"));

  const Ran rejects = run("return {then(ok, no) { no(new Error('thenable')) }}");
  EXPECT_EQ(rejects.finished.outcome(), OUTCOME_SCRIPT_ERROR);
  EXPECT_THAT(rejects.finished.error().message(), HasSubstr("thenable"));
}

// Parks at the first call, unparks and answers after some of the time told.
class Parking : public RunOutcome {
 protected:
  static Ran parked_for(milliseconds time, bool unpark, const char* script) {
    return run_raw(start_of(script), [=](const wire::ToolCall& call) {
      std::vector<wire::ToChild> messages(1);
      messages[0].mutable_park()->set_parked(true);
      if (unpark) {
        Waited then{.before = std::move(messages), .wait = time, .after = {}};
        then.after.resize(2);
        then.after[0].mutable_park()->set_parked(false);
        *then.after[1].mutable_result() = value_of(call, "7");
        return then;
      }
      return Waited{.before = std::move(messages), .wait = time, .after = {}};
    });
  }
};

TEST_F(Parking, WallTimeStandsStill) {
  const Ran ran = parked_for(milliseconds(900), true, "return await youtube.search({})");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_OK) << ran.finished.DebugString();
  EXPECT_EQ(ran.finished.value(), "7");
  EXPECT_GE(ran.wall, milliseconds(900));  // three times the wall limit
}

TEST_F(Parking, WhatWasLeftOfTheWallTimeCountsAfterIt) {
  const Ran ran = parked_for(milliseconds(600), true, "await youtube.search({}); for (;;);");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_TIMEOUT) << ran.finished.DebugString();
  EXPECT_GE(ran.wall, milliseconds(850));
  EXPECT_LE(ran.wall, milliseconds(1'300));
}

TEST_F(Parking, AScriptThatSpinsInsteadOfWaitingIsNotParked) {
  const Ran ran = parked_for(milliseconds(0), false, "youtube.search({}); for (;;);");

  EXPECT_EQ(ran.finished.outcome(), OUTCOME_TIMEOUT) << ran.finished.DebugString();
  EXPECT_LE(ran.wall, milliseconds(600));
}

}  // namespace
}  // namespace sluice::codemode_runner
