#include "services/provider-router/domain/retry_decision.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using std::chrono::milliseconds;

Failure failing(ErrorKind kind, bool retryable) {
  Failure failure;
  failure.kind = kind;
  failure.retryable = retryable;
  return failure;
}

Attempted first() {
  return {1, false, 0, milliseconds(500), std::chrono::seconds(60)};
}

TEST(RetryDecision, WaitsItsOwnTimeWhenNoneIsAskedFor) {
  const auto next = next_attempt(failing(ErrorKind::Upstream, true), first());

  ASSERT_TRUE(next);
  EXPECT_EQ(next->wait, milliseconds(500));
  EXPECT_FALSE(next->other_key);
}

TEST(RetryDecision, ObeysTheProvidersWait) {
  Failure failure = failing(ErrorKind::RateLimit, true);
  failure.retry_after = milliseconds(1234);

  EXPECT_EQ(next_attempt(failure, first())->wait, milliseconds(1234));
}

TEST(RetryDecision, LeavesALongWaitToTheClient) {
  Failure failure = failing(ErrorKind::RateLimit, true);
  failure.retry_after = std::chrono::minutes(5);

  EXPECT_FALSE(next_attempt(failure, first()));
}

TEST(RetryDecision, NeverAfterBytesWerePassedOn) {
  Attempted attempted = first();
  attempted.passed_on = true;

  EXPECT_FALSE(next_attempt(failing(ErrorKind::Upstream, true), attempted));
}

TEST(RetryDecision, StopsAtThreeAttempts) {
  Attempted attempted = first();
  attempted.attempts = 2;
  EXPECT_TRUE(next_attempt(failing(ErrorKind::Upstream, true), attempted));
  attempted.attempts = 3;

  EXPECT_FALSE(next_attempt(failing(ErrorKind::Upstream, true), attempted));
}

TEST(RetryDecision, StopsWhenTheWaitPassesTheDeadline) {
  Attempted attempted = first();
  attempted.remaining = milliseconds(400);

  EXPECT_FALSE(next_attempt(failing(ErrorKind::Upstream, true), attempted));
}

TEST(RetryDecision, DoesNotRepeatWhatCannotSucceed) {
  EXPECT_FALSE(next_attempt(failing(ErrorKind::InvalidRequest, false), first()));
}

TEST(RetryDecision, TakesAnotherKeyAtOnceWhenTheKeyIsTheProblem) {
  Attempted attempted = first();
  attempted.keys_untried = 1;

  for (const ErrorKind kind :
       {ErrorKind::Auth, ErrorKind::Permission, ErrorKind::Billing, ErrorKind::RateLimit}) {
    const auto next = next_attempt(failing(kind, false), attempted);
    ASSERT_TRUE(next);
    EXPECT_TRUE(next->other_key);
    EXPECT_EQ(next->wait, milliseconds(0));
  }
  EXPECT_FALSE(next_attempt(failing(ErrorKind::InvalidRequest, false), attempted));
}

}  // namespace
}  // namespace sluice::provider_router
