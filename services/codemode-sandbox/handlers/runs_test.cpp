#include "services/codemode-sandbox/handlers/runs.h"

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
using ::testing::HasSubstr;

codemode::v1::RunsRequest request_for(std::string id) {
  codemode::v1::RunsRequest request;
  request.mutable_get()->set_run_id(std::move(id));
  return request;
}

TEST(RunsHandler, ListsTheCallersNewestRunsFirst) {
  CodemodeFixture fixture;
  RunsHandler runs({&fixture.callers, &fixture.list});
  fixture.runners.finish("1");
  const auto first = fixture.run_script();
  fixture.runners.fail(codemode::v1::OUTCOME_MEMORY, "too much");
  const auto second = fixture.run_script();

  const auto all = run_sync(runs(request_for(""), fixture.context()));
  const auto one = run_sync(runs(request_for(first.value().run_id()), fixture.context()));

  ASSERT_THAT(all, IsOk());
  EXPECT_LT(
      all.value().runs().find(second.value().run_id()),
      all.value().runs().find(first.value().run_id())
  );
  EXPECT_THAT(all.value().runs(), HasSubstr(R"("state":"memory")"));
  EXPECT_THAT(one.value().runs(), HasSubstr(first.value().run_id()));
  EXPECT_THAT(one.value().runs(), ::testing::Not(HasSubstr(second.value().run_id())));
}

TEST(RunsHandler, RemembersABoundedNumber) {
  CodemodeFixture fixture;
  RunScope scope;
  for (std::size_t i = 0; i < kRunsRemembered + 10; ++i) {
    scope.context.run = RunId("run_" + std::to_string(i));
    fixture.list.started(scope, 1);
  }

  EXPECT_EQ(fixture.list.list({}, "run_5"), "[]");
  EXPECT_THAT(fixture.list.list({}, "run_20"), HasSubstr("run_20"));
}

TEST(RunsHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  RunsHandler runs({&fixture.callers, &fixture.list});

  EXPECT_THAT(run_sync(runs(request_for(""), RequestContext{})), HasCode(Code::Unauthenticated));
  EXPECT_THAT(run_sync(runs(request_for(""), fixture.stranger())), HasCode(Code::Unauthenticated));
}

TEST(RunsHandler, RefusesOverlongIds) {
  CodemodeFixture fixture;
  RunsHandler runs({&fixture.callers, &fixture.list});

  const auto longest =
      run_sync(runs(request_for(std::string(kRunIdBytesMax, 'x')), fixture.context()));
  const auto longer =
      run_sync(runs(request_for(std::string(kRunIdBytesMax + 1, 'x')), fixture.context()));

  EXPECT_THAT(longest, IsOk());
  EXPECT_THAT(longer, HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
