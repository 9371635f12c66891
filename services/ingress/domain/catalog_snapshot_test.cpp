#include "services/ingress/domain/catalog_snapshot.h"

#include "services/ingress/domain/tool_names.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr auto kRead = policy::v1::EFFECT_CLASS_READ;
const std::string kSchema = R"({"name":"x","inputSchema":{"type":"object"}})";

struct Catalog {
  connector::v1::CatalogReply servers;
  policy::v1::VisibleReply shown;

  void add(
      const std::string& server, const std::string& tool, const std::string& definition = kSchema
  ) {
    add_tool(servers, server, tool, definition);
    show_tool(shown, server, tool, kRead);
  }

  [[nodiscard]] SnapshotPtr build() const { return CatalogSnapshot::build(servers, shown); }
};

Narrowing only(const std::string& tools) {
  http::Headers headers;
  headers.add("x-sluice-include-tools", tools);
  return Narrowing::parse(headers).value();
}

TEST(OpenaiToolJson, KeepsTheBytesOfDescriptionAndSchema) {
  const auto json = openai_tool_json(
      "s-t",
      R"({"inputSchema": {"b" : 1.0, "a":[1e2]}, "extra":1, "description":"a \u00e9 \"q\"", "name":"t"})"
  );

  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(
      json.value(),
      R"({"type":"function","function":{"name":"s-t","description":"a \u00e9 \"q\"","parameters":{"b" : 1.0, "a":[1e2]}}})"
  );
}

TEST(OpenaiToolJson, MakesAnEmptySchemaWhereTheToolHasNone) {
  const auto json = openai_tool_json("s-t", R"({"name":"t","description":7,"inputSchema":null})");

  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(
      json.value(),
      R"({"type":"function","function":{"name":"s-t","parameters":{"type":"object","properties":{}}}})"
  );
}

TEST(OpenaiToolJson, RefusesWhatIsNoObject) {
  EXPECT_THAT(openai_tool_json("s-t", "[1]"), HasCode(Code::Invalid));
}

TEST(CatalogSnapshot, NarrowedListsAreThoseOfTheToolsThatAreLeft) {
  Catalog catalog;
  catalog.add("a", "x");
  catalog.add("b", "y");

  const auto narrowed = catalog.build()->narrowed(only("b-y"));

  Catalog alone;
  alone.add("b", "y");
  EXPECT_EQ(narrowed->definitions_json(), alone.build()->definitions_json());
  EXPECT_EQ(narrowed->tools_json(), alone.build()->tools_json());
  EXPECT_EQ(narrowed->definitions_json(), R"({"name":"b-y","inputSchema":{"type":"object"}})");
}

TEST(CatalogSnapshot, IsSortedAndTheSameWhateverTheOrderOfServers) {
  Catalog one;
  one.add("zeta", "a");
  one.add("alpha", "b");
  one.add("alpha", "a");
  Catalog two;
  two.add("alpha", "a");
  two.add("alpha", "b");
  two.add("zeta", "a");

  EXPECT_EQ(one.build()->tools_json(), two.build()->tools_json());
  const auto parsed = json::parse("[" + one.build()->tools_json() + "]");
  ASSERT_THAT(parsed, IsOk());
  ASSERT_EQ(parsed.value().as_array()->size(), 3U);
  EXPECT_EQ(parsed.value().as_array()->front().find("function")->text_or("name", ""), "alpha-a");
}

TEST(CatalogSnapshot, LeadsFromANameBackToServerAndTool) {
  Catalog catalog;
  catalog.add("files", "odd name.with/signs");

  const auto snapshot = catalog.build();
  ASSERT_EQ(snapshot->entries().size(), 1U);
  const ToolEntry* entry = snapshot->find(snapshot->entries().front().name);

  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->server, "files");
  EXPECT_EQ(entry->tool, "odd name.with/signs");
  EXPECT_EQ(entry->server_id, server_id_of("files"));
  EXPECT_EQ(snapshot->find("files-odd name.with/signs"), nullptr);
}

TEST(CatalogSnapshot, WithoutPrefixAToolHasItsOwnNameUnlessThatIsTaken) {
  Catalog catalog;
  catalog.add("alpha", "echo");
  catalog.add("beta", "echo");
  catalog.add("beta", "add");
  catalog.add("beta", "gamma-echo");
  catalog.add("beta", "executeToolCode");
  catalog.add("beta", "odd name");
  catalog.add("gamma", "echo");
  for (auto& server : *catalog.servers.mutable_servers()) {
    server.set_unprefixed(server.name() != "gamma");
  }

  const auto snapshot = catalog.build();

  std::vector<std::string> names;
  for (const ToolEntry& entry : snapshot->entries()) {
    names.push_back(entry.name);
  }
  EXPECT_EQ(
      names,
      (std::vector<std::string>{
          "add",
          "beta-echo",
          "beta-executeToolCode",
          "beta-gamma-echo",
          "echo",
          "gamma-echo",
          model_name_of("odd name"),
      })
  );
  EXPECT_EQ(snapshot->find("echo")->server, "alpha");
  EXPECT_EQ(snapshot->find("beta-echo")->tool, "echo");
  EXPECT_EQ(snapshot->find("gamma-echo")->server, "gamma");
}

TEST(CatalogSnapshot, HidesWhatPolicyDoesNotShowAndWhatItDenies) {
  Catalog catalog;
  catalog.add("files", "shown");
  add_tool(catalog.servers, "files", "unseen", kSchema);
  add_tool(catalog.servers, "files", "refused", kSchema);
  show_tool(catalog.shown, "files", "refused", kRead, policy::v1::VERDICT_DENY);

  const auto snapshot = catalog.build();

  EXPECT_EQ(snapshot->offered(), 1U);
  EXPECT_NE(snapshot->find_offered("files-shown"), nullptr);
  EXPECT_EQ(snapshot->find_offered("files-unseen"), nullptr);
  EXPECT_EQ(snapshot->find_offered("files-refused"), nullptr);
  EXPECT_NE(snapshot->find("files-unseen"), nullptr) << "a call of it is still put to policy";
}

TEST(CatalogSnapshot, HidesAToolWhoseDefinitionChangedSincePolicySawIt) {
  Catalog catalog;
  catalog.add("files", "changed");
  catalog.servers.mutable_servers(0)->mutable_tools(0)->set_definition_hash("another");

  EXPECT_EQ(catalog.build()->offered(), 0U);
  EXPECT_EQ(catalog.build()->tools_json(), "");
}

TEST(CatalogSnapshot, HidesAToolWhoseDefinitionIsNoJson) {
  Catalog catalog;
  catalog.add("files", "broken", "{");
  catalog.add("files", "whole");

  EXPECT_EQ(catalog.build()->offered(), 1U);
}

TEST(CatalogSnapshot, NarrowsToWhatARequestIncludes) {
  Catalog catalog;
  catalog.add("files", "a");
  catalog.add("files", "b");
  catalog.add("other", "a");
  const auto whole = catalog.build();

  const auto narrowed = whole->narrowed(only("files-*"));

  EXPECT_EQ(narrowed->offered(), 2U);
  EXPECT_EQ(narrowed->find_offered("other-a"), nullptr);
  EXPECT_EQ(narrowed->find("other-a")->visibility, ToolVisibility::LeftOut);
  EXPECT_EQ(whole->offered(), 3U);
  EXPECT_THAT(json::parse("[" + narrowed->tools_json() + "]"), IsOk());
  EXPECT_EQ(narrowed->narrowed(only("files-b"))->offered(), 1U);
}

TEST(CatalogSnapshot, OffersMetaToolsInPlaceOfServersOfCodeMode) {
  Catalog catalog;
  catalog.add("files", "read");
  catalog.add("zoo", "feed", R"({"name":"feed","inputSchema":{"type":"object"}})");
  catalog.add(
      "tube",
      "search",
      R"({"name":"search","inputSchema":{"properties":{"query":{},"max":{}},"required":["query"]}})"
  );
  catalog.shown.mutable_tools(1)->set_code_mode(true);
  catalog.shown.mutable_tools(2)->set_code_mode(true);

  const auto snapshot = catalog.build();

  EXPECT_TRUE(snapshot->offers_code());
  EXPECT_TRUE(snapshot->has_automatic());
  EXPECT_EQ(snapshot->offered(), 4U);
  EXPECT_EQ(snapshot->find_offered("tube-search"), nullptr);
  EXPECT_EQ(snapshot->find("tube-search")->visibility, ToolVisibility::InCode);
  const auto tools = json::parse("[" + snapshot->tools_json() + "]");
  ASSERT_THAT(tools, IsOk());
  ASSERT_EQ(tools.value().as_array()->size(), 4U);
  const json::Value* code = tools.value().as_array()->back().find("function");
  EXPECT_EQ(code->text_or("name", ""), "executeToolCode");
  const std::string description = code->text_or("description", "");
  EXPECT_NE(description.find("servers (tube, zoo)"), std::string::npos) << description;
  EXPECT_EQ(snapshot->tools_json().find("max"), std::string::npos);
  EXPECT_EQ(catalog.build()->tools_json(), snapshot->tools_json());
}

TEST(CatalogSnapshot, NarrowsWhatScriptsAreOfferedToo) {
  Catalog catalog;
  catalog.add("tube", "search");
  catalog.add("tube", "upload");
  catalog.shown.mutable_tools(0)->set_code_mode(true);
  catalog.shown.mutable_tools(1)->set_code_mode(true);
  const auto whole = catalog.build();

  const auto narrowed = whole->narrowed(only("tube-search"));

  EXPECT_EQ(whole->tools_json(), narrowed->tools_json());
  EXPECT_EQ(narrowed->find("tube-upload")->visibility, ToolVisibility::LeftOut);
  EXPECT_TRUE(narrowed->offers_code());
  EXPECT_FALSE(whole->narrowed(only("other-*"))->offers_code());
  EXPECT_EQ(whole->narrowed(only("other-*"))->tools_json(), "");
}

TEST(CatalogSnapshot, NamesWhatACallerMayHaveMeant) {
  Catalog catalog;
  catalog.add("filesystem", "read_file");
  catalog.add("filesystem", "write_file");
  catalog.add("github", "create_issue");
  add_tool(catalog.servers, "filesystem", "raed_file", kSchema);
  const auto snapshot = catalog.build();

  EXPECT_EQ(snapshot->names_near("read_file").front(), "filesystem-read_file");
  EXPECT_EQ(snapshot->names_near("filesystem-read_fiel").front(), "filesystem-read_file");
  EXPECT_TRUE(snapshot->names_near("something_else_entirely").empty());
  EXPECT_EQ(snapshot->names_near("filesystem-raed_fil").front(), "filesystem-read_file")
      << "hidden names stay hidden";
}

}  // namespace
}  // namespace sluice::ingress
