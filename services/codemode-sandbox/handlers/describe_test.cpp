#include "services/codemode-sandbox/handlers/describe.h"

#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::HasCode;
using sluice::testing::run_sync;

codemode::v1::DescribeRequest request_for(std::string name) {
  codemode::v1::DescribeRequest request;
  request.mutable_read()->set_name(std::move(name));
  return request;
}

TEST(DescribeHandler, SaysThatThereAreNoTypeFiles) {
  CodemodeFixture fixture;
  DescribeHandler describe({&fixture.callers});

  EXPECT_THAT(run_sync(describe(request_for(""), fixture.context())), HasCode(Code::NotFound));
}

TEST(DescribeHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  DescribeHandler describe({&fixture.callers});

  EXPECT_THAT(
      run_sync(describe(request_for(""), RequestContext{})), HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      run_sync(describe(request_for(""), fixture.stranger())), HasCode(Code::Unauthenticated)
  );
}

TEST(DescribeHandler, RefusesOverlongNames) {
  CodemodeFixture fixture;
  DescribeHandler describe({&fixture.callers});

  EXPECT_THAT(
      run_sync(describe(request_for(std::string(kFileNameBytesMax + 1, 'x')), fixture.context())),
      HasCode(Code::Invalid)
  );
}

}  // namespace
}  // namespace sluice::codemode_sandbox
