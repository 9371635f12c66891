#include "services/policy-engine/handlers/call_ended.h"

#include "services/policy-engine/testing/call_counters_contract.h"
#include "services/policy-engine/testing/fake_call_counters.h"

#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_sync.h"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

class CallEndedListenerTest : public ::testing::Test {
 protected:
  ~CallEndedListenerTest() override {
    static_cast<void>(testing::run_sync(loop, listener.close()));
  }

  void settle() {
    loop.restart();
    loop.poll();
  }

  // In the loop, as timers of the real clock run.
  void advance(Duration by) {
    boost::asio::post(loop, [this, by] { clock.advance(by); });
    settle();
  }

  const Reservation call = call_named("1", {});
  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  FakeCallCounters counters{&clock};
  CallEndedListener listener{{loop.get_executor(), &counters, &clock, &log}};
};

TEST_F(CallEndedListenerTest, SettlesEveryEndAndNothingElse) {
  listener.heard(connector::v1::CallEnded());
  listener.heard(end_of(call, connector::v1::OUTCOME_DONE));
  listener.heard(end_of(call, connector::v1::OUTCOME_DONE));
  settle();

  ASSERT_EQ(counters.settled.size(), 2U);
  EXPECT_EQ(counters.settled.front().grant_id(), call.grant_id);
}

TEST_F(CallEndedListenerTest, TriesAgainWhileRedisIsDown) {
  counters.set_down(true);
  listener.heard(end_of(call, connector::v1::OUTCOME_DONE));
  settle();
  EXPECT_TRUE(counters.settled.empty());

  counters.set_down(false);
  advance(std::chrono::seconds(1));

  EXPECT_EQ(counters.settled.size(), 1U);
}

TEST_F(CallEndedListenerTest, DropsWhatCannotBeSettledAndSaysSo) {
  counters.set_down(true);
  listener.heard(end_of(call, connector::v1::OUTCOME_DONE));

  for (int step = 0; step < 40; ++step) {
    advance(std::chrono::seconds(1));
  }

  EXPECT_EQ(log.count("call-end-dropped"), 1U);
  EXPECT_TRUE(counters.settled.empty());
}

}  // namespace
}  // namespace sluice::policy_engine
