#include "services/ingress/domain/code_tool.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;

std::string description_of(const std::vector<CodeServer>& servers) {
  const auto tool = json::parse(code_tool_definition(servers));
  EXPECT_THAT(tool, IsOk());
  return tool.ok() ? tool.value().text_or("description", "") : "";
}

TEST(CodeTool, SignaturesNameParametersAndWhichAreRequired) {
  EXPECT_EQ(
      signature_of(
          "search",
          R"({"inputSchema":{"properties":{"q":{},"max-results":{},"n":{}},"required":["q"]}})"
      ),
      R"(search({q, "max-results"?, n?}))"
  );
  EXPECT_EQ(signature_of("odd-name", R"({"inputSchema":{}})"), R"(["odd-name"]({}))");
  EXPECT_EQ(signature_of("t", "no json"), "t({})");
}

TEST(CodeTool, LongParameterListsAreCut) {
  std::string properties;
  for (int i = 0; i < 40; ++i) {
    properties += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\":{}";
  }

  const std::string signature =
      signature_of("t", R"({"inputSchema":{"properties":{)" + properties + "}}}");

  EXPECT_THAT(signature, HasSubstr("p15?, …}"));
}

TEST(CodeTool, ItsOneParameterIsTheScript) {
  const auto tool = json::parse(code_tool_definition({{"files", {"read({path})"}}}));

  ASSERT_THAT(tool, IsOk());
  const json::Value* parameters = tool.value().find("inputSchema");
  EXPECT_EQ(parameters->find("required")->as_array()->size(), 1U);
  EXPECT_NE(parameters->find("properties")->find("code"), nullptr);
}

TEST(CodeTool, ListsThatAreTooLongLoseParametersThenTools) {
  std::vector<std::string> signatures;
  for (int i = 100; i < 300; ++i) {
    signatures.push_back("tool_" + std::to_string(i) + "({" + std::string(100, 'p') + "})");
  }
  CodeServer server{"files", {signatures.begin(), signatures.end()}};

  const std::string names_only = description_of({server});
  EXPECT_THAT(names_only, HasSubstr("tool_100, tool_101, "));
  EXPECT_THAT(names_only, HasSubstr("tool_299"));
  EXPECT_THAT(names_only, ::testing::Not(HasSubstr("more tools")));

  std::vector<CodeServer> many(20, server);
  const std::string cut = description_of(many);
  EXPECT_THAT(cut, HasSubstr(" more tools"));
  EXPECT_LT(cut.size(), kCodeListBytesMax + 2'000);
}

}  // namespace
}  // namespace sluice::ingress
