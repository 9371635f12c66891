// Published MCP servers as they are, where tests/e2e has them installed.
#include "tests/integration/connector_rig.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::IsOk;

std::string program_of(const std::string& package) {
  return tests::source_directory() + "/tests/e2e/node_modules/@modelcontextprotocol/" + package +
         "/dist/index.js";
}

ServerConfig node_server(const std::string& package, std::vector<std::string> arguments) {
  ServerConfig server = stdio_server("published");
  server.command = "node";
  server.args = {program_of(package)};
  server.args.insert(server.args.end(), arguments.begin(), arguments.end());
  return server;
}

TEST(PublishedServers, FilesystemReadsARealFile) {
  if (!std::filesystem::exists(program_of("server-filesystem"))) {
    GTEST_SKIP() << "server-filesystem is not installed; run npm ci in tests/e2e";
  }
  tests::TemporaryDirectory directory;
  std::ofstream(directory.file("hello.txt")) << "hello from a file";
  StdioRig rig(node_server("server-filesystem", {directory.path()}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  auto listed = rig.loop.run(rig.session->list_tools(rig.loop.clock()->now() + 20s));
  ASSERT_THAT(listed, IsOk());
  const auto catalog = ToolCatalog::build(std::move(listed).value());
  ASSERT_THAT(catalog, IsOk());
  const Tool* tool = catalog.value().find("read_text_file");
  ASSERT_NE(tool, nullptr);
  const std::string arguments = R"({"path":")" + directory.file("hello.txt") + R"("})";
  ArgumentCheck check;

  EXPECT_THAT(check.check(*tool, arguments), IsOk());
  EXPECT_FALSE(check.check(*tool, R"({"path":5})").ok());
  const auto answer = rig.call("read_text_file", arguments);
  ASSERT_THAT(answer, IsOk());
  EXPECT_NE(answer.value().result.find("hello from a file"), std::string::npos);
}

TEST(PublishedServers, EverythingListsItsToolsAndEveryInputSchemaCanBeUsed) {
  if (!std::filesystem::exists(program_of("server-everything"))) {
    GTEST_SKIP() << "server-everything is not installed; run npm ci in tests/e2e";
  }
  StdioRig rig(node_server("server-everything", {}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  auto listed = rig.loop.run(rig.session->list_tools(rig.loop.clock()->now() + 20s));

  ASSERT_THAT(listed, IsOk());
  const auto catalog = ToolCatalog::build(std::move(listed).value());
  ASSERT_THAT(catalog, IsOk());
  EXPECT_GE(catalog.value().tools().size(), 10U);
  for (const Tool& tool : catalog.value().tools()) {
    EXPECT_THAT(json::Schema::compile(tool.input_schema), IsOk()) << tool.name;
  }
  const auto answer = rig.call("echo", R"({"message":"hi"})");
  ASSERT_THAT(answer, IsOk());
  EXPECT_NE(answer.value().result.find("hi"), std::string::npos);
}

TEST(PublishedServers, EverythingListsReadsAndCompletesWhatItOffers) {
  if (!std::filesystem::exists(program_of("server-everything"))) {
    GTEST_SKIP() << "server-everything is not installed; run npm ci in tests/e2e";
  }
  StdioRig rig(node_server("server-everything", {}));
  ASSERT_THAT(rig.open(), IsOk());
  const auto started = rig.initialize();
  ASSERT_THAT(started, IsOk());

  const auto offered = rig.offerings(started.value().capabilities);

  ASSERT_THAT(offered, IsOk());
  EXPECT_EQ(offered.value().resources.size(), 7U);
  EXPECT_EQ(offered.value().templates.size(), 2U);
  EXPECT_EQ(offered.value().prompts.size(), 4U);
  EXPECT_TRUE(offered.value().completions);
  const auto resource =
      rig.request("resources/read", R"({"uri":")" + offered.value().resources[0].key + R"("})");
  ASSERT_THAT(resource, IsOk());
  EXPECT_NE(resource.value().result.find(R"("contents")"), std::string::npos);
  const auto prompt = rig.request("prompts/get", R"({"name":"simple-prompt"})");
  ASSERT_THAT(prompt, IsOk());
  EXPECT_NE(prompt.value().result.find(R"("messages")"), std::string::npos);
  const auto completed = rig.request(
      "completion/complete",
      R"({"argument":{"name":"department","value":"E"},"ref":{"name":"completable-prompt","type":"ref/prompt"}})"
  );
  ASSERT_THAT(completed, IsOk());
  EXPECT_NE(completed.value().result.find("Engineering"), std::string::npos)
      << completed.value().result << completed.value().error;
}

}  // namespace
}  // namespace sluice::mcp_connector
