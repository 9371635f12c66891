#include "services/ingress/domain/code_tool.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string_view> names_of(const std::vector<MetaTool>& tools) {
  std::vector<std::string_view> names;
  for (const MetaTool& tool : tools) {
    names.push_back(tool.name);
  }
  return names;
}

std::string description(const MetaTool& tool) {
  const auto definition = json::parse(tool.definition);
  EXPECT_THAT(definition, IsOk());
  return definition.ok() ? definition.value().text_or("description", "") : "";
}

TEST(CodeTool, SearchIsOfferedWhereThereAreManyTools) {
  EXPECT_THAT(
      names_of(meta_tools({"files"}, kToolsWithoutSearch)),
      ElementsAre("listToolFiles", "readToolFile", "executeToolCode")
  );
  EXPECT_THAT(
      names_of(meta_tools({"files"}, kToolsWithoutSearch + 1)),
      ElementsAre("listToolFiles", "readToolFile", "searchTools", "executeToolCode")
  );
  for (const MetaTool& tool : meta_tools({"files"}, 100)) {
    EXPECT_TRUE(is_meta_tool(tool.name));
    EXPECT_EQ(is_reading_tool(tool.name), tool.name != kExecuteToolCode);
    EXPECT_THAT(tool.definition, HasSubstr(R"("inputSchema":{"type":"object")"));
  }
  EXPECT_FALSE(is_meta_tool("executeToolCode2"));
}

TEST(CodeTool, ServersAreNamedWhereTheyAreFew) {
  EXPECT_THAT(
      description(meta_tools({"files", "youtube"}, 5).back()),
      HasSubstr("servers (files, youtube).")
  );
  const std::vector<std::string_view> many(40, "a_rather_long_server_name");
  EXPECT_THAT(description(meta_tools(many, 5).back()), HasSubstr("tools of servers. Read"));
  EXPECT_THAT(description(meta_tools({"files"}, 5).back()), Not(HasSubstr("searchTools")));
  EXPECT_THAT(description(meta_tools({"files"}, 50).back()), HasSubstr("searchTools"));
}

TEST(CodeTool, TheirSizeDoesNotGrowWithTheCatalog) {
  std::size_t bytes = 0;
  const std::vector<std::string_view> many(200, "server");
  for (const MetaTool& tool : meta_tools(many, 9'000)) {
    bytes += tool.definition.size();
  }
  EXPECT_LT(bytes, 1'400U);  // tests/contract/tokens.mjs counts tokens
}

}  // namespace
}  // namespace sluice::ingress
