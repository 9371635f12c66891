#include "services/mcp-connector/domain/argument_check.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

Tool tool_with(std::string_view schema) {
  Tool tool;
  tool.name = "t";
  tool.definition_hash = std::string(schema);
  if (!schema.empty()) {
    tool.input_schema = json::parse(schema).value();
  }
  return tool;
}

TEST(ArgumentCheck, AcceptsWhatTheSchemaAllows) {
  ArgumentCheck check;
  const Tool tool =
      tool_with(R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})");

  EXPECT_THAT(check.check(tool, R"({"n":1})"), IsOk());
  EXPECT_THAT(check.check(tool, R"({"n":1,"more":true})"), IsOk());
}

TEST(ArgumentCheck, NamesThePathOfTheViolation) {
  ArgumentCheck check;
  const Tool tool = tool_with(
      R"({"type":"object","properties":{"a":{"type":"object","properties":{"n":{"type":"integer"}}}}})"
  );

  const auto checked = check.check(tool, R"({"a":{"n":"x"}})");

  ASSERT_THAT(checked, HasCode(Code::Invalid));
  EXPECT_NE(checked.error().message().find("/a/n"), std::string::npos) << checked.error().message();
}

TEST(ArgumentCheck, TakesAnyObjectWithoutASchema) {
  ArgumentCheck check;

  EXPECT_THAT(check.check(tool_with(""), R"({"x":[1]})"), IsOk());
  EXPECT_THAT(check.check(tool_with(""), "[]"), HasCode(Code::Invalid));
  EXPECT_THAT(check.check(tool_with(""), "nonsense"), HasCode(Code::Invalid));
}

TEST(ArgumentCheck, SaysWhenTheSchemaItselfIsBroken) {
  ArgumentCheck check;
  const Tool tool = tool_with(R"({"$ref":"https://example.com/schema.json"})");

  const auto first = check.check(tool, "{}");
  const auto second = check.check(tool, "{}");

  ASSERT_THAT(first, HasCode(Code::Invalid));
  EXPECT_NE(first.error().message().find("inputSchema"), std::string::npos);
  EXPECT_THAT(second, HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::mcp_connector
