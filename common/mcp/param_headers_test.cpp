#include "common/mcp/param_headers.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp {
namespace {

using testing::HasCode;
using testing::IsOk;

Result<std::vector<ParamHeader>> declared(const std::string& schema) {
  const auto parsed = json::parse(schema);
  EXPECT_THAT(parsed, IsOk()) << schema;
  return param_headers_of(parsed.value());
}

// A schema with one property of this definition.
std::string with_property(const std::string& definition) {
  return R"({"type":"object","properties":{"a":)" + definition + "}}";
}

TEST(ParamHeadersOf, FindsThemAtEveryDepthOfProperties) {
  const auto found = declared(
      R"({"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "plain":{"type":"number"},
        "deep":{"type":"object","properties":{"count":{"type":"integer","x-mcp-header":"Count"}}},
        "x-mcp-header":{"type":"boolean"},
        "data":{"type":"object","default":{"x-mcp-header":"no schema"}}}})"
  );

  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found.value().size(), 2U);
  EXPECT_EQ(found.value()[0].name, "mcp-param-region");
  EXPECT_EQ(found.value()[0].path, std::vector<std::string>{"region"});
  EXPECT_EQ(found.value()[1].name, "mcp-param-count");
  EXPECT_EQ(found.value()[1].path, (std::vector<std::string>{"deep", "count"}));
}

TEST(ParamHeadersOf, ASchemaWithoutThemIsFine) {
  EXPECT_THAT(declared(R"({"type":"object"})"), IsOk());
  EXPECT_THAT(declared("true"), IsOk());
  EXPECT_THAT(param_headers_of(json::Value()), IsOk());
}

TEST(ParamHeadersOf, RefusesWhatIsNoHeaderOrNoPrimitive) {
  for (const char* definition :
       {R"({"type":"string","x-mcp-header":""})",
        R"({"type":"string","x-mcp-header":"a b"})",
        R"({"type":"string","x-mcp-header":"a:b"})",
        R"({"type":"string","x-mcp-header":"a\r\nHost"})",
        R"({"type":"string","x-mcp-header":"größe"})",
        R"({"type":"string","x-mcp-header":true})",
        R"({"type":"number","x-mcp-header":"A"})",
        R"({"type":"object","x-mcp-header":"A"})",
        R"({"type":"array","x-mcp-header":"A"})",
        R"({"type":["string","null"],"x-mcp-header":"A"})",
        R"({"x-mcp-header":"A"})"}) {
    EXPECT_THAT(declared(with_property(definition)), HasCode(Code::Invalid)) << definition;
  }
}

TEST(ParamHeadersOf, RefusesWhatPropertiesAloneDoNotReach) {
  const std::string good = R"({"type":"string","x-mcp-header":"A"})";
  for (const std::string& definition : std::vector<std::string>{
           R"({"type":"array","items":)" + good + "}",
           R"({"anyOf":[)" + good + "]}",
           R"({"type":"object","additionalProperties":)" + good + "}",
           R"({"type":"object","patternProperties":{"^x":)" + good + "}}",
           R"({"type":"array","items":{"type":"object","properties":{"b":)" + good + "}}}"
       }) {
    EXPECT_THAT(declared(with_property(definition)), HasCode(Code::Invalid)) << definition;
  }
  EXPECT_THAT(declared(good), HasCode(Code::Invalid)) << "the arguments are no string";
  EXPECT_THAT(declared(R"({"type":"object","$defs":{"d":)" + good + "}}"), HasCode(Code::Invalid));
}

TEST(ParamHeadersOf, RefusesOneNameTwiceWhateverItsCase) {
  EXPECT_THAT(
      declared(
          R"({"properties":{"a":{"type":"string","x-mcp-header":"Region"},"b":{"type":"string","x-mcp-header":"region"}}})"
      ),
      HasCode(Code::Invalid)
  );
}

TEST(ParamHeaderValues, SayWhatTheArgumentsHold) {
  const std::vector<ParamHeader> headers{
      {.name = "mcp-param-text", .path = {"text"}},
      {.name = "mcp-param-flag", .path = {"flag"}},
      {.name = "mcp-param-count", .path = {"deep", "count"}},
      {.name = "mcp-param-null", .path = {"null"}},
      {.name = "mcp-param-missing", .path = {"deep", "missing"}}
  };

  const auto values = param_header_values(
      headers, R"({"text":" größe","flag":false,"deep":{"count":4.2e1},"null":null})"
  );

  ASSERT_THAT(values, IsOk());
  EXPECT_EQ(
      values.value(),
      (HeaderList{
          {"mcp-param-text", "=?base64?IGdyw7bDn2U=?="},
          {"mcp-param-flag", "false"},
          {"mcp-param-count", "42"}
      })
  );
  EXPECT_THAT(param_header_values(headers, "nonsense"), HasCode(Code::Invalid));
  EXPECT_THAT(param_header_values({}, "nonsense"), IsOk()) << "nothing to read them for";
}

}  // namespace
}  // namespace sluice::mcp
