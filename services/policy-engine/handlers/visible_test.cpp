#include "services/policy-engine/handlers/visible.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::UnorderedElementsAre;

std::vector<std::string> names_of(const policy::v1::VisibleReply& reply) {
  std::vector<std::string> names;
  for (const auto& tool : reply.tools()) {
    names.push_back(tool.server() + "-" + tool.tool());
  }
  return names;
}

Result<policy::v1::VisibleReply> list(
    PolicyFixture& fixture, policy::v1::VisibleRequest request = {}
) {
  return fixture.run((*fixture.visible)(std::move(request), fixture.context_of("alice")));
}

TEST(VisibleHandler, ListsWhatMayBeCalledWithItsVerdict) {
  PolicyFixture fixture(PolicyFixture::settings_with(
      "manual",
      R"("tools_to_execute": ["read_file", "delete_file"], "tools_to_auto_execute": ["read_file"])"
  ));

  const auto reply = list(fixture);

  ASSERT_THAT(reply, IsOk());
  EXPECT_THAT(names_of(reply.value()), ElementsAre("files-delete_file", "files-read_file"));
  EXPECT_EQ(reply.value().tools(0).verdict(), policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(reply.value().tools(0).effect_class(), policy::v1::EFFECT_CLASS_DELETE);
  EXPECT_EQ(reply.value().tools(1).verdict(), policy::v1::VERDICT_AUTO);
  EXPECT_EQ(reply.value().policy_version(), 1U);
  EXPECT_EQ(reply.value().catalog_version(), fixture.servers.version());
}

TEST(VisibleHandler, HidesToolsOfServersPolicyDoesNotKnow) {
  PolicyFixture fixture;
  fixture.servers.put("stranger", "read_file");

  EXPECT_THAT(
      names_of(list(fixture).value()),
      ElementsAre("files-delete_file", "files-read_file", "files-write_file")
  );
}

TEST(VisibleHandler, SaysWhichServersAreOfferedToScripts) {
  PolicyFixture plain;
  PolicyFixture scripted(PolicyFixture::settings_with(
      "manual", R"("tools_to_execute": ["*"], "is_code_mode_client": true)"
  ));

  EXPECT_FALSE(list(plain).value().tools(0).code_mode());
  EXPECT_TRUE(list(scripted).value().tools(0).code_mode());
}

TEST(VisibleHandler, NarrowsToTheRequestsFilter) {
  PolicyFixture fixture;
  policy::v1::VisibleRequest request;
  request.mutable_filter()->set_restricted(true);

  EXPECT_THAT(names_of(list(fixture, request).value()), IsEmpty());

  request.mutable_filter()->add_servers("files");
  request.mutable_filter()->add_tools("files-read_file");
  EXPECT_THAT(names_of(list(fixture, request).value()), ElementsAre("files-read_file"));
}

TEST(VisibleHandler, ListsTheServersACallerMayUseWhateverToolsTheyHave) {
  PolicyFixture fixture(
      R"({"mcp": {"client_configs": [
          {"name": "files", "connection_type": "stdio"},
          {"name": "mail", "connection_type": "stdio", "tools_to_execute": ["*"]},
          {"name": "off", "connection_type": "stdio", "disabled": true},
          {"name": "theirs", "connection_type": "stdio", "tenants": ["other"]}]},
          "auth": {"keys": [)" +
      key_entry("alice") + "," + key_entry("bob", R"(, "servers": ["mail"])") + "]}}"
  );
  for (const char* const server : {"mail", "off", "theirs", "stranger"}) {
    fixture.servers.put_server(server);
  }
  const std::string files = mcp::server_id("files").str();
  const std::string mail = mcp::server_id("mail").str();

  const auto reply = list(fixture);

  ASSERT_THAT(reply, IsOk());
  EXPECT_THAT(names_of(reply.value()), IsEmpty());
  EXPECT_THAT(reply.value().servers(), UnorderedElementsAre(files, mail));
  EXPECT_TRUE(std::is_sorted(reply.value().servers().begin(), reply.value().servers().end()));
  EXPECT_THAT(
      fixture.run((*fixture.visible)({}, fixture.context_of("bob"))).value().servers(),
      ElementsAre(mail)
  );
}

TEST(VisibleHandler, ARequestHidesServersByNamingServersNotByNamingTools) {
  PolicyFixture fixture;
  const std::string files = mcp::server_id("files").str();
  policy::v1::VisibleRequest request;
  request.mutable_filter()->set_restricted(true);
  request.mutable_filter()->add_servers("*");
  request.mutable_filter()->add_tools("mail-send");

  EXPECT_THAT(list(fixture, request).value().servers(), ElementsAre(files));

  request.mutable_filter()->set_servers(0, "mail");
  request.mutable_filter()->set_tools(0, "*");
  EXPECT_THAT(list(fixture, request).value().servers(), IsEmpty());
}

TEST(VisibleHandler, FetchesTheCatalogOnceUntilAChangeIsHeard) {
  PolicyFixture fixture;
  ASSERT_THAT(list(fixture), IsOk());
  ASSERT_THAT(list(fixture), IsOk());
  EXPECT_EQ(fixture.servers.fetches(), 1);

  fixture.servers.put("files", "append_file");
  fixture.catalogs.invalidate();

  EXPECT_EQ(list(fixture).value().tools_size(), 4);
  EXPECT_EQ(fixture.servers.fetches(), 2);
}

TEST(VisibleHandler, FetchesACatalogVersionItDoesNotKnow) {
  PolicyFixture fixture;
  ASSERT_THAT(list(fixture), IsOk());
  fixture.servers.put("files", "append_file");
  policy::v1::VisibleRequest request;
  request.set_catalog_version(fixture.servers.version());
  fixture.clock.advance(kCatalogRecheckInterval);

  EXPECT_EQ(list(fixture, request).value().catalog_version(), fixture.servers.version());
}

TEST(VisibleHandler, RefusesStrangersAndEndlessFilters) {
  PolicyFixture fixture;
  policy::v1::VisibleRequest request;
  for (int i = 0; i <= kFilterEntriesMax; ++i) {
    request.mutable_filter()->add_tools("t");
  }

  EXPECT_THAT(list(fixture, request), HasCode(Code::Invalid));
  EXPECT_THAT(
      fixture.run((*fixture.visible)({}, fixture.context_without_token())),
      HasCode(Code::Unauthenticated)
  );
}

TEST(VisibleHandler, ReportsEveryDependencyFailure) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    PolicyFixture fixture("", &plan);

    const auto reply = list(fixture);

    if (plan.fired()) {
      EXPECT_THAT(reply, HasCode(Code::Unavailable));
    } else {
      EXPECT_THAT(reply, IsOk());
    }
  });

  EXPECT_EQ(faults, 1);
}

}  // namespace
}  // namespace sluice::policy_engine
