#include "services/mcp-connector/domain/offerings.h"

#include "services/mcp-connector/domain/tool_catalog.h"
#include "services/mcp-connector/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

std::vector<json::Value> definitions(std::string_view text) {
  const auto value = json::parse(text);
  return value.ok() ? *value.value().as_array() : std::vector<json::Value>();
}

std::vector<Offering> offerings_of(std::string_view key, std::string_view text) {
  auto list = OfferingList::build(key, definitions(text));
  EXPECT_THAT(list, IsOk());
  return list.ok() ? std::move(list).value().items : std::vector<Offering>();
}

Offerings some_offerings() {
  return {
      .resources = offerings_of("uri", R"([{"uri":"a://1","name":"one","x-own":[1.0]}])"),
      .templates = offerings_of("uriTemplate", R"([{"uriTemplate":"a://{b}","name":"b"}])"),
      .prompts = offerings_of("name", R"([{"name":"p"}])"),
      .completions = true
  };
}

ToolCatalog catalog_with(Offerings offerings) {
  auto catalog = ToolCatalog::build(definitions(R"([{"name":"t"}])"), std::move(offerings));
  EXPECT_THAT(catalog, IsOk());
  return std::move(catalog).value();
}

TEST(OfferingList, SortsByKeyAndKeepsEveryMember) {
  const auto items =
      offerings_of("uri", R"([{"uri":"b","name":""},{"x-own":{"k":[1.0]},"uri":"a","name":"n"}])");

  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].key, "a");
  EXPECT_EQ(items[0].definition, R"({"x-own":{"k":[1.0]},"uri":"a","name":"n"})");
  EXPECT_EQ(items[1].definition, R"({"uri":"b","name":""})");
}

TEST(OfferingList, WhatHasNoNameIsNamedByItsKey) {
  const auto list = OfferingList::build(
      "uriTemplate", definitions(R"([{"uriTemplate":"a://{b}","name":null},{"name":"n"}])")
  );

  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list.value().items.size(), 1U);
  EXPECT_EQ(list.value().items[0].definition, R"({"uriTemplate":"a://{b}","name":"a://{b}"})");
  EXPECT_EQ(list.value().unnamed, 1U);
  EXPECT_EQ(list.value().left_out, 1U);
}

TEST(OfferingList, LeavesOutWhatHasNoKeyOrOneThatWasThere) {
  const auto list = OfferingList::build(
      "uri", definitions(R"([{"uri":"a","name":"n"},{"uri":"a"},{"name":"n"},{"uri":5},"x"])")
  );

  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list.value().items.size(), 1U);
  EXPECT_EQ(list.value().items[0].definition, R"({"uri":"a","name":"n"})");
  EXPECT_EQ(list.value().left_out, 4U);
  EXPECT_EQ(list.value().unnamed, 0U);
}

TEST(OfferingList, RefusesTooManyAndTooLarge) {
  const std::vector<json::Value> many(kListItemsMax + 1, json::object({{"uri", "a"}}));
  const std::vector<json::Value> large{
      json::object({{"uri", "a"}, {"text", std::string(kCatalogBytesMax, 'x')}})
  };

  EXPECT_THAT(OfferingList::build("uri", many), HasCode(Code::Invalid));
  EXPECT_THAT(OfferingList::build("uri", large), HasCode(Code::Invalid));
}

TEST(Offerings, SurviveACopy) {
  const auto catalog = catalog_with(some_offerings());
  connector::v1::ServerCatalog copy;
  catalog.fill(&copy);
  copy.add_prompts()->set_definition("not json");

  const auto read = ToolCatalog::from_copy(copy);

  EXPECT_EQ(copy.resources(0).key(), "a://1");
  EXPECT_EQ(copy.resources(0).definition(), R"({"uri":"a://1","name":"one","x-own":[1.0]})");
  EXPECT_EQ(copy.resource_templates(0).key(), "a://{b}");
  EXPECT_EQ(read.hash(), catalog.hash());
  EXPECT_TRUE(read.offerings().completions);
  EXPECT_EQ(read.offerings().prompts.size(), 1U);
}

TEST(Offerings, AreInTheHashOnlyWhereThereAreAny) {
  const auto tools_only = ToolCatalog::build(definitions(R"([{"name":"t"}])"));
  ASSERT_THAT(tools_only, IsOk());
  auto changed = some_offerings();
  changed.prompts = offerings_of("name", R"([{"name":"p","title":"new"}])");
  auto moved = some_offerings();
  moved.resources.swap(moved.prompts);

  const std::string with = catalog_with(some_offerings()).hash();

  EXPECT_EQ(catalog_with({}).hash(), tools_only.value().hash());
  EXPECT_NE(with, tools_only.value().hash());
  EXPECT_NE(with, catalog_with(changed).hash());
  EXPECT_NE(with, catalog_with(moved).hash());
}

TEST(Offerings, TooLargeBesideTheToolsAreLeftOutAndTheToolsStay) {
  Offerings large = some_offerings();
  large.resources[0].definition = std::string(kCatalogWithOfferingsBytesMax, 'x');

  const auto catalog = catalog_with(std::move(large));

  EXPECT_TRUE(catalog.left_offerings_out());
  EXPECT_TRUE(catalog.offerings().empty());
  EXPECT_NE(catalog.find("t"), nullptr);
  EXPECT_FALSE(catalog_with(some_offerings()).left_offerings_out());
}

}  // namespace
}  // namespace sluice::mcp_connector
