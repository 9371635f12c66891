#include "services/codemode-sandbox/handlers/describe.h"

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

codemode::v1::DescribeRequest request_for(std::string name) {
  codemode::v1::DescribeRequest request;
  request.set_file_name(std::move(name));
  return request;
}

TEST(DescribeHandler, AsksARunnerForAVerifiedCaller) {
  CodemodeFixture fixture;
  DescribeHandler describe({&fixture.callers, &fixture.runners});

  const auto reply = run_sync(describe(request_for("x"), fixture.context()));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().text(), "key:team-a x");
}

TEST(DescribeHandler, SaysThatNoRunnerIsConnected) {
  CodemodeFixture fixture;
  NoRunners nobody;
  DescribeHandler describe({&fixture.callers, &nobody});

  const auto reply = run_sync(describe(request_for(""), fixture.context()));

  ASSERT_THAT(reply, HasCode(Code::Unavailable));
  EXPECT_THAT(reply.error().message(), ::testing::StartsWith("no runner is connected; "));
}

TEST(DescribeHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  DescribeHandler describe({&fixture.callers, &fixture.runners});

  EXPECT_THAT(
      run_sync(describe(request_for(""), RequestContext{})), HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      run_sync(describe(request_for(""), fixture.stranger())), HasCode(Code::Unauthenticated)
  );
  EXPECT_EQ(fixture.runners.calls(), 0);
}

TEST(DescribeHandler, RefusesOverlongNames) {
  CodemodeFixture fixture;
  DescribeHandler describe({&fixture.callers, &fixture.runners});

  const auto longest =
      run_sync(describe(request_for(std::string(kFileNameBytesMax, 'x')), fixture.context()));
  const auto longer =
      run_sync(describe(request_for(std::string(kFileNameBytesMax + 1, 'x')), fixture.context()));

  EXPECT_THAT(longest, IsOk());
  EXPECT_THAT(longer, HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
