#include "services/mcp-connector/domain/circuit_breaker.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

constexpr std::chrono::milliseconds kTimeout = 30s;

CallVerdict verdict(Code code, Duration waited) {
  const Error error(code, "no answer");
  return verdict_of(&error, waited, kTimeout);
}

TEST(CallVerdictTest, TimeoutsAndBrokenTransportsAreTheServersNothingElseIs) {
  EXPECT_EQ(verdict_of(nullptr, 1s, kTimeout), CallVerdict::Answered);
  EXPECT_EQ(verdict(Code::Unavailable, 1ms), CallVerdict::ServerFailed);
  EXPECT_EQ(verdict(Code::Deadline, kTimeout), CallVerdict::ServerFailed);
  EXPECT_EQ(verdict(Code::Deadline, kTimeout - 50ms), CallVerdict::ServerFailed)
      << "the caller's time is a little less";
  EXPECT_EQ(verdict(Code::Deadline, 5s), CallVerdict::Nothing) << "the caller had no more time";
  for (const Code code : {Code::Cancelled, Code::Exhausted, Code::Denied, Code::Invalid}) {
    EXPECT_EQ(verdict(code, kTimeout), CallVerdict::Nothing);
  }
}

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void fail(int calls) {
    for (int i = 0; i < calls; ++i) {
      ASSERT_THAT(breaker_.admit(now_), IsOk());
      breaker_.ended(CallVerdict::ServerFailed, now_);
    }
  }

  CircuitBreaker breaker_;
  TimePoint now_{1h};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARowAndSaysWhenToComeAgain) {
  fail(kCircuitFailuresMax);

  const auto refused = breaker_.admit(now_ + 1s);

  EXPECT_TRUE(breaker_.is_open());
  EXPECT_NE(breaker_.message(), "");
  ASSERT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_EQ(refused.error().retry_after(), kCircuitPause - 1s);
}

TEST_F(CircuitBreakerTest, AnAnswerInBetweenStartsTheCountAnew) {
  fail(kCircuitFailuresMax - 1);
  breaker_.ended(CallVerdict::Answered, now_);
  fail(kCircuitFailuresMax - 1);
  breaker_.ended(CallVerdict::Nothing, now_);

  EXPECT_THAT(breaker_.check(now_), IsOk());
}

TEST_F(CircuitBreakerTest, AfterThePauseOneCallTriesAndItsAnswerCloses) {
  fail(kCircuitFailuresMax);
  now_ += kCircuitPause;

  EXPECT_THAT(breaker_.admit(now_), IsOk());
  EXPECT_THAT(breaker_.admit(now_), HasCode(Code::Unavailable)) << "one at a time";
  EXPECT_TRUE(breaker_.ended(CallVerdict::Answered, now_));

  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.message(), "");
  EXPECT_THAT(breaker_.admit(now_), IsOk());
}

TEST_F(CircuitBreakerTest, ATryThatFailsPausesAgain) {
  fail(kCircuitFailuresMax);
  now_ += kCircuitPause;
  ASSERT_THAT(breaker_.admit(now_), IsOk());
  now_ += 1s;

  EXPECT_FALSE(breaker_.ended(CallVerdict::ServerFailed, now_)) << "it was open and still is";

  EXPECT_THAT(breaker_.check(now_ + kCircuitPause - 1ms), HasCode(Code::Unavailable));
  EXPECT_THAT(breaker_.check(now_ + kCircuitPause), IsOk());
}

TEST_F(CircuitBreakerTest, ATryThatTheCallerLeftLeavesRoomForAnother) {
  fail(kCircuitFailuresMax);
  now_ += kCircuitPause;
  ASSERT_THAT(breaker_.admit(now_), IsOk());

  breaker_.ended(CallVerdict::Nothing, now_);

  EXPECT_THAT(breaker_.admit(now_), IsOk());
}

TEST_F(CircuitBreakerTest, CallsFromBeforeDoNotMakeThePauseLonger) {
  fail(kCircuitFailuresMax);

  breaker_.ended(CallVerdict::ServerFailed, now_ + 5s);

  EXPECT_THAT(breaker_.check(now_ + kCircuitPause), IsOk());
}

TEST_F(CircuitBreakerTest, AServerStartedAnewIsTriedAtOnce) {
  fail(kCircuitFailuresMax);

  breaker_.reconnected();

  EXPECT_THAT(breaker_.admit(now_), IsOk());
  EXPECT_TRUE(breaker_.is_open()) << "until a call was answered";
}

}  // namespace
}  // namespace sluice::mcp_connector
