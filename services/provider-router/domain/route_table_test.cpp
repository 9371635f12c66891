#include "services/provider-router/domain/route_table.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::IsOk;

RouteTable table() {
  std::vector<Provider> providers;
  providers.push_back(
      {"open",
       Dialect::OpenAi,
       "https://one.test/v1",
       {{"a", Secret<std::string>("1")}, {"b", Secret<std::string>("2")}},
       {},
       0}
  );
  providers.push_back(
      {"claude", Dialect::Anthropic, "https://two.test", {}, {"haiku", "opus"}, 4096}
  );
  providers.push_back({"demo", Dialect::Demo, "", {}, {"assistant"}, 0});
  return RouteTable(std::move(providers));
}

TEST(RouteTable, SplitsAtTheFirstSlash) {
  const RouteTable routes = table();

  const auto route = routes.find("open/org/model:free");

  ASSERT_THAT(route, IsOk());
  EXPECT_EQ(route.value().provider->name, "open");
  EXPECT_EQ(route.value().model, "org/model:free");
  EXPECT_EQ(route.value().keys->size(), 2U);
}

TEST(RouteTable, SaysWhatExistsForAnUnknownProvider) {
  const RouteTable routes = table();

  const auto route = routes.find("nowhere/model");

  ASSERT_THAT(route, HasCode(Code::NotFound));
  EXPECT_NE(
      route.error().message().find("claude/haiku, claude/opus, demo/assistant, open/<any model>"),
      std::string::npos
  ) << route.error().message();
}

TEST(RouteTable, SaysWhichModelsAProviderHas) {
  const RouteTable routes = table();

  const auto route = routes.find("claude/sonnet");

  ASSERT_THAT(route, HasCode(Code::NotFound));
  EXPECT_NE(route.error().message().find("claude/haiku, claude/opus"), std::string::npos);
}

TEST(RouteTable, RefusesNamesWithoutProviderOrModel) {
  const RouteTable routes = table();

  for (const std::string_view name : {"", "gpt-4o", "/x", "open/", "/"}) {
    EXPECT_THAT(routes.find(name), HasCode(Code::NotFound)) << name;
  }
}

TEST(RouteTable, DoesNotRepeatControlCharactersOrEndlessNames) {
  const RouteTable routes = table();

  const auto route = routes.find("nowhere/" + std::string(5000, 'x') + "\n\"");

  ASSERT_THAT(route, HasCode(Code::NotFound));
  EXPECT_LT(route.error().message().size(), 500U);
}

TEST(RouteTable, ListsModelsSortedWithTheirOwner) {
  const auto models = table().models();

  ASSERT_EQ(models.size(), 3U);
  EXPECT_EQ(models[0].id, "claude/haiku");
  EXPECT_EQ(models[2].id, "demo/assistant");
  EXPECT_EQ(models[2].owned_by, "sluice-demo");
}

TEST(RouteTable, SaysSoWhenNothingIsConfigured) {
  const RouteTable routes((std::vector<Provider>()));

  EXPECT_NE(routes.find("a/b").error().message().find("ask the operator"), std::string::npos);
}

TEST(KeyPool, TakesTheKeysInTurn) {
  KeyPool pool({{"a", Secret<std::string>("1")}, {"b", Secret<std::string>("2")}});

  EXPECT_EQ(pool.at(pool.begin_turn())->id, "a");
  EXPECT_EQ(pool.at(pool.begin_turn())->id, "b");
  EXPECT_EQ(pool.at(pool.begin_turn())->id, "a");
  EXPECT_EQ(pool.at(3)->id, "b");
}

TEST(KeyPool, WithoutKeysGivesNone) {
  KeyPool pool({});

  EXPECT_EQ(pool.at(pool.begin_turn()), nullptr);
}

}  // namespace
}  // namespace sluice::provider_router
