#include "services/provider-router/handlers/attempts.h"

#include "services/provider-router/testing/router_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::run_sync;

Attempts attempts_of(RouterFixture& fixture, const std::string& model) {
  const Attempts::Deps deps{&fixture.clock, &fixture.audit, &fixture.log, fixture.metrics.get(), 1};
  return {deps, fixture.routes.find(model).value(), fixture.context()};
}

Failure failing(ErrorKind kind, bool retryable) {
  Failure failure;
  failure.kind = kind;
  failure.retryable = retryable;
  failure.retry_after = std::chrono::milliseconds(0);
  failure.detail = "what it said";
  failure.upstream_status = 500;
  return failure;
}

TEST(Attempts, MovesToTheNextKeyOnlyWhenTheKeyIsTheProblem) {
  RouterFixture fixture;
  Attempts attempts = attempts_of(fixture, "open/x");
  EXPECT_EQ(attempts.key()->id, "first");

  EXPECT_TRUE(
      run_sync(attempts.again(failing(ErrorKind::Upstream, true), false, Duration())).value()
  );
  EXPECT_EQ(attempts.key()->id, "first");
  EXPECT_TRUE(run_sync(attempts.again(failing(ErrorKind::Auth, false), false, Duration())).value());
  EXPECT_EQ(attempts.key()->id, "second");
}

TEST(Attempts, GivesUpWhenEveryKeyIsRefused) {
  RouterFixture fixture;
  Attempts attempts = attempts_of(fixture, "claude/haiku");

  EXPECT_FALSE(run_sync(attempts.again(failing(ErrorKind::Auth, false), false, Duration())).value()
  );
}

TEST(Attempts, RecordsEachFailureUnderItsOwnHop) {
  RouterFixture fixture;
  Attempts attempts = attempts_of(fixture, "open/x");

  EXPECT_TRUE(run_sync(attempts.again(
                           failing(ErrorKind::Upstream, true), false, std::chrono::milliseconds(7)
                       ))
                  .ok());
  EXPECT_TRUE(run_sync(attempts.again(failing(ErrorKind::Upstream, true), true, Duration())).ok());

  ASSERT_EQ(fixture.audit.records().size(), 2U);
  EXPECT_EQ(fixture.audit.records()[0].hop(), 3U);
  EXPECT_EQ(fixture.audit.records()[0].latency_us(), 7000U);
  EXPECT_EQ(fixture.audit.records()[0].detail(), "HTTP 500: what it said");
  EXPECT_EQ(fixture.audit.records()[1].hop(), 4U);
}

TEST(Attempts, NeverTriesAgainAfterABytePassedOn) {
  RouterFixture fixture;
  Attempts attempts = attempts_of(fixture, "open/x");

  EXPECT_FALSE(
      run_sync(attempts.again(failing(ErrorKind::Upstream, true), true, Duration())).value()
  );
}

TEST(Attempts, StopsWhenTheRecordCannotBeKept) {
  testing::FaultPlan faults(1);
  RouterFixture fixture(&faults);
  Attempts attempts = attempts_of(fixture, "open/x");

  EXPECT_THAT(
      run_sync(attempts.again(failing(ErrorKind::Upstream, true), false, Duration())),
      HasCode(Code::Unavailable)
  );
}

}  // namespace
}  // namespace sluice::provider_router
