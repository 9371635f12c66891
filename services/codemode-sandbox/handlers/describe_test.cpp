#include "services/codemode-sandbox/handlers/describe.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::HasCode;
using sluice::testing::run_sync;

codemode::v1::DescribeRequest read_of(std::string name) {
  codemode::v1::DescribeRequest request;
  request.mutable_read()->set_name(std::move(name));
  return request;
}

codemode::v1::DescribeRequest list_of_files() {
  codemode::v1::DescribeRequest request;
  request.mutable_list();
  return request;
}

TEST(DescribeHandler, ListsReadsAndSearches) {
  CodemodeFixture fixture;
  DescribeHandler describe({.callers = &fixture.callers, .apis = &fixture.apis});

  const auto list = fixture.run_sync(describe(list_of_files(), fixture.context()));
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list.value().found());
  EXPECT_EQ(list.value().text(), "servers/\n  files.d.ts\n");

  const auto file = fixture.run_sync(describe(read_of("files"), fixture.context()));
  ASSERT_TRUE(file.ok());
  EXPECT_THAT(file.value().text(), ::testing::HasSubstr("read_file(args?: any): Promise<any>;"));

  codemode::v1::DescribeRequest search;
  search.mutable_search()->set_query("write");
  search.mutable_filter()->set_restricted(true);
  const auto found = fixture.run_sync(describe(search, fixture.context()));
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found.value().text(), ::testing::StartsWith("files.write_file("));
  EXPECT_TRUE(fixture.policy.views.back().filter().restricted());

  const auto unknown = fixture.run_sync(describe(read_of("shop"), fixture.context()));
  ASSERT_TRUE(unknown.ok());
  EXPECT_FALSE(unknown.value().found());
}

TEST(DescribeHandler, RefusesCallersWithoutAValidToken) {
  CodemodeFixture fixture;
  DescribeHandler describe({.callers = &fixture.callers, .apis = &fixture.apis});

  EXPECT_THAT(
      run_sync(describe(list_of_files(), RequestContext{})), HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      run_sync(describe(list_of_files(), fixture.stranger())), HasCode(Code::Unauthenticated)
  );
  EXPECT_TRUE(fixture.policy.views.empty());
}

TEST(DescribeHandler, RefusesWhatIsTooLongOrNothing) {
  CodemodeFixture fixture;
  DescribeHandler describe({.callers = &fixture.callers, .apis = &fixture.apis});

  EXPECT_THAT(
      run_sync(describe(read_of(std::string(kFileNameBytesMax + 1, 'x')), fixture.context())),
      HasCode(Code::Invalid)
  );
  codemode::v1::DescribeRequest search;
  search.mutable_search()->set_query(std::string(kQueryBytesMax + 1, 'x'));
  EXPECT_THAT(run_sync(describe(search, fixture.context())), HasCode(Code::Invalid));
  EXPECT_THAT(run_sync(describe({}, fixture.context())), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
