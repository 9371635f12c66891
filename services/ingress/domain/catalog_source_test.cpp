#include "services/ingress/domain/catalog_source.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class CatalogSourceTest : public ::testing::Test {
 protected:
  CallerPtr caller(const std::string& key = "sk-user") {
    return fixture.run(fixture.authenticator.authenticate(key, "", fixture.context())).value();
  }

  Result<SnapshotPtr> snapshot(const CallerPtr& who, const Narrowing& narrowing = {}) {
    return fixture.run(fixture.catalog.snapshot(who, narrowing, fixture.context()));
  }

  IngressFixture fixture;
};

TEST_F(CatalogSourceTest, BuildsOnceAndKeepsTheSnapshot) {
  const auto who = caller();

  const auto first = snapshot(who);
  const auto second = snapshot(who);

  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first.value(), second.value());
  EXPECT_EQ(first.value()->offered(), 2U);
  EXPECT_EQ(fixture.servers.catalogs, 1);
  ASSERT_EQ(fixture.policy.views.size(), 1U);
  EXPECT_EQ(fixture.policy.views[0].catalog_version(), fixture.servers.catalog_reply.version());
}

TEST_F(CatalogSourceTest, SharesOneSnapshotBetweenCallersWhoSeeTheSame) {
  EXPECT_EQ(snapshot(caller("sk-user")).value(), snapshot(caller("sk-admin")).value());
}

TEST_F(CatalogSourceTest, RebuildsWhenPolicyChanged) {
  const auto before = snapshot(caller());
  fixture.policy.policy_version = 8;
  fixture.policy.shown.mutable_tools()->RemoveLast();

  fixture.beat(8);

  EXPECT_EQ(snapshot(caller()).value()->offered(), 1U);
  EXPECT_EQ(before.value()->offered(), 2U) << "a snapshot in use never changes";
}

TEST_F(CatalogSourceTest, RebuildsWhenTheCatalogChanged) {
  ASSERT_THAT(snapshot(caller()), IsOk());
  add_tool(fixture.servers.catalog_reply, "files", "t", R"({"name":"t"})");
  show_tool(fixture.policy.shown, "files", "t", policy::v1::EFFECT_CLASS_READ);

  fixture.versions.catalog_changed();

  EXPECT_EQ(snapshot(caller()).value()->offered(), 3U);
}

TEST_F(CatalogSourceTest, FetchesDefinitionsOnlyWhenTheirVersionIsAnother) {
  ASSERT_THAT(snapshot(caller()), IsOk());
  fixture.versions.catalog_changed();

  const auto again = snapshot(caller());

  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(fixture.servers.catalogs, 2);
  EXPECT_EQ(again.value()->offered(), 2U)
      << "the connector left the servers out of its second answer";
}

TEST_F(CatalogSourceTest, DoesNotUseItsCacheWhenPolicyIsSilent) {
  const auto who = caller();
  ASSERT_THAT(snapshot(who), IsOk());
  fixture.clock.advance(kBeatSilenceMax + std::chrono::milliseconds(1));
  fixture.policy.set_down(true);

  EXPECT_EQ(fixture.catalog.cached(who, {}, fixture.context()), nullptr);
  EXPECT_THAT(snapshot(who), HasCode(Code::Unavailable));
}

TEST_F(CatalogSourceTest, SaysWhichServiceDoesNotAnswer) {
  const auto who = caller();
  fixture.servers.set_down(true);

  const auto failed = snapshot(who);

  ASSERT_THAT(failed, HasCode(Code::Unavailable));
  EXPECT_NE(failed.error().message().find("mcp-connector"), std::string::npos);
}

TEST_F(CatalogSourceTest, RebuildsInTheBackgroundWhenASnapshotIsOld) {
  const auto who = caller();
  ASSERT_THAT(snapshot(who), IsOk());
  for (int i = 0; i < 31; ++i) {
    fixture.clock.advance(std::chrono::seconds(1));
    fixture.beat(fixture.policy.policy_version);
  }

  EXPECT_NE(fixture.catalog.cached(who, {}, fixture.context()), nullptr);
  fixture.loop.restart();
  fixture.loop.run();

  EXPECT_EQ(fixture.servers.catalogs, 2);
}

TEST_F(CatalogSourceTest, NarrowsWithoutAskingAgain) {
  const auto who = caller();
  http::Headers headers;
  headers.add("x-sluice-include-tools", "filesystem-read_file");
  const auto narrowing = Narrowing::parse(headers).value();

  const auto narrowed = snapshot(who, narrowing);
  const auto again = snapshot(who, narrowing);

  ASSERT_THAT(narrowed, IsOk());
  EXPECT_EQ(narrowed.value()->offered(), 1U);
  EXPECT_EQ(narrowed.value(), again.value());
  EXPECT_EQ(fixture.servers.catalogs, 1);
  EXPECT_EQ(snapshot(who).value()->offered(), 2U);
}

TEST_F(CatalogSourceTest, ForgetsWhatItIsToldIsOutOfDate) {
  const auto who = caller();
  ASSERT_THAT(snapshot(who), IsOk());

  fixture.catalog.forget(*who);

  EXPECT_EQ(fixture.catalog.cached(who, {}, fixture.context()), nullptr);
  EXPECT_EQ(snapshot(who).value()->offered(), 2U);
  EXPECT_EQ(fixture.servers.catalogs, 2);
}

}  // namespace
}  // namespace sluice::ingress
