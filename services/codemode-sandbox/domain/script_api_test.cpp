#include "services/codemode-sandbox/domain/script_api.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/mcp/server_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

TEST(ScriptApi, HoldsWhatIsOfferedToScriptsSorted) {
  FakePolicyEngine policy;
  policy.show("zoo", "feed");
  policy.show("files", "write");
  policy.show("files", "read");
  policy.show("plain", "read", policy::v1::EFFECT_CLASS_READ, false);
  policy.show("no-identifier", "read");

  const ScriptApi tools({}, policy.shown);

  runner::Run run;
  tools.add_to(&run);
  ASSERT_EQ(run.namespaces_size(), 2);
  EXPECT_EQ(run.namespaces(0).name(), "files");
  EXPECT_THAT(run.namespaces(0).functions(), ::testing::ElementsAre("read", "write"));
  EXPECT_EQ(run.namespaces(1).name(), "zoo");
  ASSERT_NE(tools.find("files", "read"), nullptr);
  EXPECT_EQ(tools.find("files", "read")->definition_hash, "hash of read");
  EXPECT_EQ(tools.find("plain", "read"), nullptr);
  EXPECT_EQ(tools.find("files", "feed"), nullptr);
}

TEST(ScriptApi, HintsAreBounded) {
  FakePolicyEngine policy;
  for (int i = 10; i < 40; ++i) {
    policy.show("files", "t" + std::to_string(i));
  }

  const std::string hint = ScriptApi({}, policy.shown).hint("files");

  EXPECT_TRUE(hint.starts_with("files has: t10, t11, ")) << hint;
  EXPECT_TRUE(hint.ends_with("t29 and 10 more")) << hint;
  EXPECT_EQ(ScriptApi({}, {}).hint("files"), "no server is offered to scripts");
}

constexpr std::string_view kReadDefinition =
    R"({"name":"read_file","description":"Reads a file.","inputSchema":{"type":"object",)"
    R"("properties":{"path":{"type":"string"}},"required":["path"],"additionalProperties":false},)"
    R"("outputSchema":{"type":"object","properties":{"content":{"type":"string"}},"required":["content"]}})";

void define(
    connector::v1::CatalogReply& catalog,
    const std::string& server,
    const std::string& tool,
    std::string_view definition
) {
  auto& added = *catalog.add_servers();
  added.set_name(server);
  added.set_server_id(mcp::server_id(server).str());
  auto& one = *added.add_tools();
  one.set_name(tool);
  one.set_definition_hash("hash of " + tool);
  one.set_definition(std::string(definition));
}

TEST(ScriptApi, WritesTypesOfTheDefinitionsPolicySaw) {
  FakePolicyEngine policy;
  policy.show("files", "read_file");
  policy.show("files", "write_file");
  connector::v1::CatalogReply catalog;
  define(catalog, "files", "read_file", kReadDefinition);

  const ScriptApi api(catalog, policy.shown);

  EXPECT_EQ(
      api.declarations(),
      "declare const files: {\n"
      "  readonly \"~\": \"files\";\n"
      "  read_file(args: { path: string }): Promise<{ content: string; [k: string]: any }>;\n"
      "  write_file(args?: any): Promise<any>;\n"
      "};\n"
  );
  EXPECT_EQ(
      api.files().read("files", 3, 4).text,
      "  /** Reads a file. */\n"
      "  read_file(args: { path: string }): Promise<{ content: string }>;\n"
  );
  ASSERT_NE(api.find("files", "read_file"), nullptr);
  EXPECT_THAT(
      api.find("files", "read_file")->input_schema, ::testing::StartsWith(R"({"type":"object")")
  );
  runner::Run run;
  api.add_to(&run);
  EXPECT_EQ(run.declarations(), api.declarations());

  catalog.mutable_servers(0)->mutable_tools(0)->set_definition_hash("of another form");
  EXPECT_EQ(ScriptApi(catalog, policy.shown).find("files", "read_file")->input_schema, "");
}

TEST(ScriptApi, NamesLeadBackToTheRealOnes) {
  FakePolicyEngine policy;
  policy.show("Date", "get-time");
  policy.show("Date", "get.time");

  const ScriptApi api({}, policy.shown);

  ASSERT_NE(api.find("Date_", "get_time"), nullptr);
  EXPECT_EQ(api.find("Date_", "get_time")->tool, "get-time");
  EXPECT_EQ(api.find("Date_", "get_time_2")->tool, "get.time");
  EXPECT_EQ(api.find("Date_", "get_time")->server, "Date");
  EXPECT_EQ(api.find("Date", "get_time"), nullptr);
  EXPECT_EQ(api.hint("Date"), "Date_ has: get_time, get_time_2");
}

TEST(ScriptApi, SearchShowsSignatures) {
  FakePolicyEngine policy;
  policy.show("files", "read_file");
  policy.show("zoo", "feed");
  connector::v1::CatalogReply catalog;
  define(catalog, "files", "read_file", kReadDefinition);
  const ScriptApi api(catalog, policy.shown);

  EXPECT_EQ(
      api.search("read", 0).text,
      "files.read_file(args: { path: string }): Promise<{ content: string }> // Reads a file.\n"
  );
  EXPECT_FALSE(api.search("weather", 0).found);
  EXPECT_FALSE(ScriptApi({}, {}).search("read", 0).found);
}

TEST(ScriptApi, OneFileAToolWhereTheOperatorWantsIt) {
  FakePolicyEngine policy;
  policy.show("files", "read_file");
  policy.show("files", "write-file");

  const ScriptApi api({}, policy.shown, BindingLevel::Tool);

  EXPECT_EQ(
      api.files().list().text, "servers/\n  files/\n    read_file.d.ts\n    write_file.d.ts\n"
  );
  EXPECT_THAT(
      api.files().read("write_file", 0, 0).text,
      ::testing::AllOf(
          ::testing::StartsWith("declare const files: {\n"),
          ::testing::HasSubstr("  write_file(args?: any): Promise<any>;\n")
      )
  );
}

TEST(ScriptApi, StaysWithinItsBounds) {
  FakePolicyEngine policy;
  connector::v1::CatalogReply catalog;
  std::string members;
  for (int i = 0; i < 400; ++i) {
    members.append(i == 0 ? "" : ",").append("\"m" + std::to_string(i) + R"(":{"type":"string"})");
  }
  const std::string schema = R"({"inputSchema":{"type":"object","properties":{)" + members + "}}}";
  for (int i = 0; i < 300; ++i) {
    const std::string name = "tool" + std::to_string(i);
    policy.show("big", name);
    define(catalog, "big", name, schema);
  }

  const ScriptApi api(catalog, policy.shown);

  EXPECT_LE(api.declarations().size(), kDeclarationsBytesMax);
  EXPECT_THAT(api.declarations(), ::testing::HasSubstr("  tool0(args?: { m0?: string;"));
  EXPECT_THAT(api.declarations(), ::testing::HasSubstr("  tool99(args?: any): Promise<any>;"));
  EXPECT_NE(api.find("big", "tool299"), nullptr);
}

TEST(ScriptApis, WritesTypesOnceForTheSameView) {
  CodemodeFixture fixture;
  fixture.policy.shown.set_catalog_version("v1");
  fixture.servers.known.set_version("v1");

  const auto first = fixture.run_sync(fixture.apis.of({}, fixture.context()));
  const auto second = fixture.run_sync(fixture.apis.of({}, fixture.context()));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.value(), second.value());
  EXPECT_EQ(fixture.apis.written(), 1U);
  EXPECT_EQ(fixture.policy.views.back().catalog_version(), "v1");

  fixture.policy.show("files", "move_file");
  const auto third = fixture.run_sync(fixture.apis.of({}, fixture.context()));
  ASSERT_TRUE(third.ok());
  EXPECT_NE(third.value()->find("files", "move_file"), nullptr);

  fixture.policy.shown.set_catalog_version("v2");
  fixture.servers.known.set_version("v2");
  define(fixture.servers.known, "files", "read_file", kReadDefinition);
  const auto fourth = fixture.run_sync(fixture.apis.of({}, fixture.context()));
  ASSERT_TRUE(fourth.ok());
  EXPECT_NE(fourth.value()->find("files", "read_file")->input_schema, "");
  EXPECT_EQ(fixture.apis.written(), 3U);
}

}  // namespace
}  // namespace sluice::codemode_sandbox
