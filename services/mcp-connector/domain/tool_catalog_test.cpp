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

ToolCatalog catalog_of(std::string_view text) {
  auto catalog = ToolCatalog::build(definitions(text));
  EXPECT_THAT(catalog, IsOk());
  return std::move(catalog).value();
}

TEST(ToolCatalog, SortsByNameAndFinds) {
  const auto catalog = catalog_of(R"([{"name":"b"},{"name":"a","x":1}])");

  ASSERT_EQ(catalog.tools().size(), 2U);
  EXPECT_EQ(catalog.tools()[0].name, "a");
  ASSERT_NE(catalog.find("a"), nullptr);
  EXPECT_EQ(catalog.find("a")->definition, R"({"name":"a","x":1})");
  EXPECT_EQ(catalog.find("c"), nullptr);
}

TEST(ToolCatalog, HashIgnoresOrderButNothingElse) {
  const auto one = catalog_of(R"([{"name":"a","description":"x"},{"name":"b"}])");
  const auto other_order = catalog_of(R"([{"name":"b"},{"description":"x","name":"a"}])");
  const auto changed = catalog_of(R"([{"name":"a","description":"y"},{"name":"b"}])");
  const auto added_member =
      catalog_of(R"([{"name":"a","description":"x","x-own":null},{"name":"b"}])");

  EXPECT_EQ(one.hash(), other_order.hash());
  EXPECT_NE(one.hash(), changed.hash());
  EXPECT_NE(one.hash(), added_member.hash());
  EXPECT_EQ(one.find("b")->definition_hash, changed.find("b")->definition_hash);
}

TEST(ToolCatalog, KeepsTheFirstOfTwoToolsWithOneName) {
  const auto catalog = catalog_of(R"([{"name":"a","v":1},{"name":"a","v":2}])");

  ASSERT_EQ(catalog.tools().size(), 1U);
  EXPECT_EQ(catalog.tools()[0].definition, R"({"name":"a","v":1})");
  EXPECT_EQ(catalog.duplicates(), 1U);
}

TEST(ToolCatalog, RefusesTooManyTools) {
  std::vector<json::Value> many(kListItemsMax + 1, json::object({{"name", "a"}}));

  EXPECT_THAT(ToolCatalog::build(std::move(many)), HasCode(Code::Invalid));
}

TEST(ToolCatalog, SurvivesACopy) {
  const auto catalog = catalog_of(R"([{"name":"a","inputSchema":{"type":"object"}},{"name":"b"}])");
  connector::v1::ServerCatalog copy;
  catalog.fill(&copy);
  copy.add_tools()->set_definition("not json");

  const auto read = ToolCatalog::from_copy(copy);

  EXPECT_EQ(read.hash(), catalog.hash());
  EXPECT_TRUE(read.find("a")->input_schema.is_object());
}

TEST(CatalogVersion, DependsOnIdsAndHashesNotOnOrder) {
  EXPECT_EQ(catalog_version({{"a", "1"}, {"b", "2"}}), catalog_version({{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(catalog_version({{"a", "1"}, {"b", "2"}}), catalog_version({{"a", "2"}, {"b", "1"}}));
  EXPECT_NE(catalog_version({{"ab", "c"}}), catalog_version({{"a", "bc"}}));
}

}  // namespace
}  // namespace sluice::mcp_connector
