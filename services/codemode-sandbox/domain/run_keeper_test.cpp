#include "services/codemode-sandbox/domain/run_keeper.h"

#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/fake_run_store.h"

#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using namespace std::chrono_literals;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

class RunKeeperTest : public ::testing::Test {
 protected:
  RunKeeperTest() {
    scope.context.run = RunId("run_1");
    scope.caller.set_tenant("default");
    scope.caller.set_principal("key:k1");
    tasks.spawn("keeper", keeper.run());
    settle();
  }

  void TearDown() override {
    static_cast<void>(testing::run_sync(loop, tasks.cancel_and_close()));
    static_cast<void>(testing::run_sync(loop, keeper.close()));
  }

  void settle() {
    loop.restart();
    loop.poll();
  }

  void pass(std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += kRunLookInterval) {
      clock.advance(kRunLookInterval);
      settle();
    }
  }

  void write(const std::string& text) {
    codemode::v1::RunProgress line;
    line.set_console(text);
    list.wrote("run_1", line);
    settle();
  }

  // A run, and a call of it under way.
  void start_with_a_call() {
    list.started(scope, clock.unix_ms());
    list.call_started(
        "run_1",
        {.call_id = 1, .server = "files", .tool = "write", .call_site = "", .arguments = "{}"},
        clock.unix_ms()
    );
  }

  void finish() {
    codemode::v1::RunFinal final;
    final.set_outcome(codemode::v1::OUTCOME_OK);
    list.finished("run_1", final);
    settle();
  }

  [[nodiscard]] std::string document() const {
    const auto found = store.runs.find("run_1");
    return found != store.runs.end() ? found->second.document : "";
  }

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  RunScope scope;
  RunList list;
  FakeRunStore store;
  RunKeeper keeper{
      {.executor = loop.get_executor(),
       .list = &list,
       .store = &store,
       .clock = &clock,
       .log = &log,
       .metrics = metrics.get()}
  };
  async::TaskGroup tasks{loop.get_executor(), nullptr};
};

TEST_F(RunKeeperTest, WritesStartCheckAndEndAtOnce) {
  list.started(scope, clock.unix_ms());
  settle();
  EXPECT_THAT(document(), HasSubstr(R"("state":"checking")"));
  EXPECT_EQ(store.runs.at("run_1").tenant, "default");
  EXPECT_EQ(store.runs.at("run_1").principal, "key:k1");
  EXPECT_EQ(store.runs.at("run_1").started_unix_ms, clock.unix_ms());
  list.checked("run_1", {}, {});
  settle();
  EXPECT_THAT(document(), HasSubstr(R"("state":"running")"));

  finish();

  EXPECT_THAT(document(), HasSubstr(R"("state":"ok")"));
  EXPECT_EQ(list.find("run_1"), nullptr);
  EXPECT_EQ(store.puts, 3);
}

TEST_F(RunKeeperTest, WritesOtherChangesOnceASecond) {
  list.started(scope, clock.unix_ms());
  settle();
  for (int i = 0; i < 5; ++i) {
    write("line " + std::to_string(i));
  }
  EXPECT_EQ(store.puts, 1);

  pass(kRunWriteInterval);

  EXPECT_EQ(store.puts, 2);
  EXPECT_THAT(document(), HasSubstr("line 4"));
}

TEST_F(RunKeeperTest, SaysThatARunGoesOnThoughNothingChanges) {
  list.started(scope, clock.unix_ms());
  settle();
  pass(kRunBeatInterval - kRunLookInterval);
  EXPECT_EQ(store.puts, 1);

  pass(kRunLookInterval);

  EXPECT_EQ(store.puts, 2);
  EXPECT_THAT(
      store.runs.at("run_1").summary,
      HasSubstr(R"("updated_unix_ms":)" + std::to_string(clock.unix_ms()))
  );
}

TEST_F(RunKeeperTest, ChangesWhileItWritesAreWrittenNext) {
  async::OneShot<void> slow;
  store.hold = &slow;
  list.started(scope, clock.unix_ms());
  settle();
  list.checked("run_1", {}, {});
  finish();
  EXPECT_EQ(store.puts, 1);

  slow.set({});
  settle();

  EXPECT_THAT(document(), HasSubstr(R"("state":"ok")"));
  EXPECT_EQ(list.find("run_1"), nullptr);
}

TEST_F(RunKeeperTest, ACallThatOutlastsItsRunIsToldAtItsEnd) {
  start_with_a_call();
  finish();
  EXPECT_NE(list.find("run_1"), nullptr);

  list.call_ended(
      "run_1", {.call_id = 1, .outcome = "resolved", .message = "", .rule = ""}, clock.unix_ms()
  );
  settle();

  EXPECT_THAT(document(), HasSubstr(R"("outcome":"resolved")"));
  EXPECT_EQ(list.find("run_1"), nullptr);
}

TEST_F(RunKeeperTest, ACallThatNeverEndsIsNotAwaitedForGood) {
  start_with_a_call();
  finish();

  pass(kRunCallsAwaitedFor + kRunBeatInterval);

  EXPECT_EQ(list.find("run_1"), nullptr);
}

TEST_F(RunKeeperTest, WhatCannotBeWrittenIsLostAndCounted) {
  store.down = true;
  list.started(scope, clock.unix_ms());
  settle();
  pass(kRunWriteInterval);
  finish();

  EXPECT_EQ(list.find("run_1"), nullptr);
  EXPECT_TRUE(store.runs.empty());
  EXPECT_THAT(metrics->expose(), HasSubstr("sluice_codemode_run_documents_lost_total 2"));
  EXPECT_EQ(log.count("run-document-not-kept"), 1U);
}

TEST_F(RunKeeperTest, AStoreThatIsBackHasTheRunAgain) {
  list.started(scope, clock.unix_ms());
  settle();
  store.runs.clear();  // emptied

  pass(kRunBeatInterval);

  EXPECT_THAT(document(), HasSubstr(R"("run_id":"run_1")"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
