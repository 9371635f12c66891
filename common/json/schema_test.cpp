#include "common/json/schema.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::json {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

Schema schema_of(std::string_view text) {
  auto schema = Schema::compile(parse(text).value());
  EXPECT_THAT(schema, IsOk()) << text;
  return std::move(schema).value();
}

bool accepts(const Schema& schema, std::string_view instance) {
  return schema.validate(parse(instance).value()).empty();
}

TEST(Schema, ChecksTypesBoundsAndRequiredMembers) {
  const Schema schema =
      schema_of(R"({"type":"object","required":["path"],"additionalProperties":false,
      "properties":{"path":{"type":"string","minLength":1},"lines":{"type":"integer","minimum":1}}})"
      );

  EXPECT_TRUE(accepts(schema, R"({"path":"a","lines":1})"));
  EXPECT_TRUE(accepts(schema, R"({"path":"a","lines":2.0})"));
  EXPECT_FALSE(accepts(schema, R"({"lines":1})"));
  EXPECT_FALSE(accepts(schema, R"({"path":""})"));
  EXPECT_FALSE(accepts(schema, R"({"path":"a","lines":0})"));
  EXPECT_FALSE(accepts(schema, R"({"path":"a","lines":1.5})"));
  EXPECT_FALSE(accepts(schema, R"({"path":"a","other":1})"));
  EXPECT_FALSE(accepts(schema, "[]"));
}

TEST(Schema, NamesThePlaceOfAViolation) {
  const Schema schema = schema_of(R"({"properties":{"a":{"items":{"type":"string"}}}})");

  const auto violations = schema.validate(parse(R"({"a":["x",1]})").value());

  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].path, "/a/1");
  EXPECT_FALSE(violations[0].message.empty());
}

TEST(Schema, StopsAfterTwentyViolations) {
  const Schema schema = schema_of(R"({"items":{"type":"string"}})");
  Array items(100, Value(1));

  EXPECT_EQ(schema.validate(Value(items)).size(), 20U);
}

TEST(Schema, ReadsTheDialectFromTheSchema) {
  // An array of schemas under "items" is a tuple in draft-07 and no schema at all in 2020-12.
  const Schema draft7 = schema_of(
      R"({"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}]})"
  );
  const Schema draft7_bare = schema_of(
      R"({"$schema":"http://json-schema.org/draft-07/schema","items":[{"type":"string"}]})"
  );
  const Schema newest = schema_of(R"({"prefixItems":[{"type":"string"}]})");
  const Schema named = schema_of(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"type":"string"}]})"
  );

  for (const Schema& schema : {draft7, draft7_bare, newest, named}) {
    EXPECT_TRUE(accepts(schema, R"(["a",1])"));
    EXPECT_FALSE(accepts(schema, "[1]"));
  }
}

TEST(Schema, BooleansAreSchemas) {
  EXPECT_TRUE(accepts(schema_of("true"), "1"));
  EXPECT_FALSE(accepts(schema_of("false"), "1"));
}

TEST(Schema, FollowsReferencesInsideTheDocument) {
  const Schema tree =
      schema_of(R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","required":["v"],
      "properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/node"}}}}}})"
      );
  const Schema anchored = schema_of(
      R"({"properties":{"a":{"$ref":"#t"}},"$defs":{"t":{"$anchor":"t","type":"string"}}})"
  );

  EXPECT_TRUE(accepts(tree, R"({"v":1,"kids":[{"v":2,"kids":[]}]})"));
  EXPECT_FALSE(accepts(tree, R"({"v":1,"kids":[{"v":"x"}]})"));
  EXPECT_TRUE(accepts(anchored, R"({"a":"x"})"));
  EXPECT_FALSE(accepts(anchored, R"({"a":1})"));
}

TEST(Schema, RefusesWhatItCannotUse) {
  for (const std::string_view text : {
           "1",
           "[]",
           "null",
           R"({"type":"strin"})",
           R"({"$schema":"https://example.com/dialect"})",
           R"({"$schema":7})",
           R"({"$ref":"https://example.com/remote.json"})",
           R"({"$ref":"other.json#/a"})",
           R"({"$ref":"#/$defs/missing"})",
           R"({"properties":{"a":{"$ref":"file:///etc/passwd"}}})",
       }) {
    EXPECT_THAT(Schema::compile(parse(text).value()), HasCode(Code::Invalid)) << text;
  }
}

TEST(Schema, RefusesCirclesThatConsumeNoInput) {
  for (const std::string_view text : {
           R"({"$ref":"#"})",
           R"({"allOf":[{"$ref":"#"}]})",
           R"({"$ref":"#/$defs/a","$defs":{"a":{"not":{"$ref":"#/$defs/b"}},"b":{"$ref":"#/$defs/a"}}})",
           R"({"properties":{"x":{"$ref":"#/properties/x"}}})",
           R"({"$dynamicRef":"#n","$dynamicAnchor":"n"})",
       }) {
    const auto schema = Schema::compile(parse(text).value());

    ASSERT_THAT(schema, HasCode(Code::Invalid)) << text;
    EXPECT_THAT(schema.error().message(), HasSubstr("circle")) << text;
  }
}

TEST(Schema, RefusesReferencesThatMultiply) {
  std::string defs = R"("d0":{"type":"string"})";
  for (int i = 1; i < 40; ++i) {
    const std::string one = R"({"$ref":"#/$defs/d)" + std::to_string(i - 1) + "\"}";
    defs += ",\"d" + std::to_string(i) + R"(":{"allOf":[)" + one + "," + one + "]}";
  }

  EXPECT_THAT(
      Schema::compile(parse(R"({"$ref":"#/$defs/d39","$defs":{)" + defs + "}}").value()),
      HasCode(Code::Invalid)
  );
}

TEST(Schema, MatchesCheapPatterns) {
  const Schema schema = schema_of(R"({"pattern":"^[a-z]+-[0-9]+$"})");

  EXPECT_TRUE(accepts(schema, R"("ab-12")"));
  EXPECT_FALSE(accepts(schema, R"("ab")"));
}

TEST(Schema, NeverRunsPatternsThatMayTakeLong) {
  const Schema nested = schema_of(R"({"pattern":"^(a+)+$","minLength":1})");
  const Schema dots = schema_of(R"({"pattern":"^.*$"})");
  const Schema names = schema_of(
      R"({"patternProperties":{"(a|a)*$":{"type":"string"}},"additionalProperties":false})"
  );

  EXPECT_TRUE(accepts(nested, "\"" + std::string(60, 'a') + "!\""));
  EXPECT_FALSE(accepts(nested, R"("")"));
  EXPECT_TRUE(accepts(dots, "\"" + std::string(1'000'000, 'a') + "\""));
  EXPECT_TRUE(accepts(names, R"({"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!":1})"));
}

TEST(Schema, PropertiesNamedLikeKeywordsAreProperties) {
  const Schema schema = schema_of(
      R"({"properties":{"pattern":{"type":"string"},"$ref":{"type":"integer"}},"required":["pattern"]})"
  );

  EXPECT_TRUE(accepts(schema, R"({"pattern":"(a+)+","$ref":1})"));
  EXPECT_FALSE(accepts(schema, R"({"pattern":1})"));
  EXPECT_FALSE(accepts(schema, "{}"));
}

TEST(Schema, KeepsLargeIntegersApart) {
  const Schema schema = schema_of(R"({"const":9007199254740993})");

  EXPECT_TRUE(accepts(schema, "9007199254740993"));
  EXPECT_FALSE(accepts(schema, "9007199254740992"));
}

}  // namespace
}  // namespace sluice::json
