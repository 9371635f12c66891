#include "services/codemode-sandbox/handlers/run.h"

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

codemode::v1::RunRequest script(std::string source) {
  codemode::v1::RunRequest request;
  request.set_source(std::move(source));
  return request;
}

TEST(RunHandler, HandsTheScriptOfAVerifiedCallerToARunner) {
  CodemodeFixture fixture;
  RunHandler run({&fixture.callers, &fixture.runners});

  const auto final = run_sync(run(script("return 1"), &fixture.console, fixture.context()));

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().value(), "8");
  EXPECT_THAT(fixture.console.lines(), ::testing::ElementsAre("key:team-a"));
}

TEST(RunHandler, SaysThatNoRunnerIsConnected) {
  CodemodeFixture fixture;
  NoRunners nobody;
  RunHandler run({&fixture.callers, &nobody});

  const auto final = run_sync(run(script("return 1"), &fixture.console, fixture.context()));

  ASSERT_THAT(final, HasCode(Code::Unavailable));
  EXPECT_THAT(final.error().message(), ::testing::StartsWith("no runner is connected; "));
}

TEST(RunHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  RunHandler run({&fixture.callers, &fixture.runners});
  RequestContext without = fixture.context();
  without.caller_token.clear();
  const RequestContext late = fixture.context();

  EXPECT_THAT(
      run_sync(run(script("x"), &fixture.console, without)), HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      run_sync(run(script("x"), &fixture.console, fixture.stranger())),
      HasCode(Code::Unauthenticated)
  );
  fixture.clock.advance(std::chrono::minutes(2));
  EXPECT_THAT(run_sync(run(script("x"), &fixture.console, late)), HasCode(Code::Unauthenticated));
  EXPECT_EQ(fixture.runners.calls(), 0);
}

TEST(RunHandler, RefusesATokenOfAnotherCaller) {
  CodemodeFixture fixture;
  RunHandler run({&fixture.callers, &fixture.runners});
  RequestContext other_tenant = fixture.context();
  other_tenant.tenant = TenantId("other");
  RequestContext other_principal = fixture.context();
  other_principal.principal = PrincipalId("key:team-b");

  EXPECT_THAT(
      run_sync(run(script("x"), &fixture.console, other_tenant)), HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      run_sync(run(script("x"), &fixture.console, other_principal)), HasCode(Code::Unauthenticated)
  );
}

TEST(RunHandler, RefusesEmptyAndOverlongScripts) {
  CodemodeFixture fixture;
  RunHandler run({&fixture.callers, &fixture.runners});

  const auto empty = run_sync(run(script(""), &fixture.console, fixture.context()));
  const auto longest =
      run_sync(run(script(std::string(kSourceBytesMax, 'x')), &fixture.console, fixture.context()));
  const auto longer = run_sync(
      run(script(std::string(kSourceBytesMax + 1, 'x')), &fixture.console, fixture.context())
  );

  EXPECT_THAT(empty, HasCode(Code::Invalid));
  EXPECT_THAT(longest, IsOk());
  EXPECT_THAT(longer, HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
