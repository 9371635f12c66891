#include "services/codemode-sandbox/handlers/runs.h"

#include "services/codemode-sandbox/adapters/no_runners.h"
#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

codemode::v1::RunsRequest request_for(std::string name) {
  codemode::v1::RunsRequest request;
  request.set_run_id(std::move(name));
  return request;
}

TEST(RunsHandler, AsksARunnerForAVerifiedCaller) {
  CodemodeFixture fixture;
  RunsHandler runs({&fixture.callers, &fixture.runners});

  const auto reply = run_sync(runs(request_for("x"), fixture.context()));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().runs(), "key:team-a x");
}

TEST(RunsHandler, SaysThatNoRunnerIsConnected) {
  CodemodeFixture fixture;
  NoRunners nobody;
  RunsHandler runs({&fixture.callers, &nobody});

  const auto reply = run_sync(runs(request_for(""), fixture.context()));

  ASSERT_THAT(reply, HasCode(Code::Unavailable));
  EXPECT_THAT(reply.error().message(), ::testing::StartsWith("no runner is connected; "));
}

TEST(RunsHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  RunsHandler runs({&fixture.callers, &fixture.runners});

  EXPECT_THAT(run_sync(runs(request_for(""), RequestContext{})), HasCode(Code::Unauthenticated));
  EXPECT_THAT(run_sync(runs(request_for(""), fixture.stranger())), HasCode(Code::Unauthenticated));
  EXPECT_EQ(fixture.runners.calls(), 0);
}

TEST(RunsHandler, RefusesOverlongNames) {
  CodemodeFixture fixture;
  RunsHandler runs({&fixture.callers, &fixture.runners});

  const auto longest =
      run_sync(runs(request_for(std::string(kRunIdBytesMax, 'x')), fixture.context()));
  const auto longer =
      run_sync(runs(request_for(std::string(kRunIdBytesMax + 1, 'x')), fixture.context()));

  EXPECT_THAT(longest, IsOk());
  EXPECT_THAT(longer, HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
