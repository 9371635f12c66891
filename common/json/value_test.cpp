#include "common/json/value.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice::json {
namespace {

TEST(Value, IsWhatItWasMadeOf) {
  EXPECT_EQ(Value().type_name(), "null");
  EXPECT_EQ(Value(true).type_name(), "boolean");
  EXPECT_EQ(Value(1).type_name(), "number");
  EXPECT_EQ(Value("x").type_name(), "string");
  EXPECT_EQ(Value(Array{}).type_name(), "array");
  EXPECT_EQ(Value(Object{}).type_name(), "object");
  EXPECT_EQ(*Value("x").as_string(), "x");
  EXPECT_EQ(Value(1).as_string(), nullptr);
  EXPECT_EQ(Value("1").as_int(), std::nullopt);
  EXPECT_EQ(Value().as_bool(), std::nullopt);
}

TEST(Value, ReadsIntegersExactly) {
  const auto read = [](const char* token) { return Value(Number{token}).as_int(); };

  EXPECT_EQ(read("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(read("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read("9223372036854775808"), std::nullopt);
  EXPECT_EQ(read("1.0"), 1);
  EXPECT_EQ(read("1e2"), 100);
  EXPECT_EQ(read("12.50e1"), 125);
  EXPECT_EQ(read("1000e-3"), 1);
  EXPECT_EQ(read("-0"), 0);
  EXPECT_EQ(read("0.0e99"), 0);
  EXPECT_EQ(read("1.5"), std::nullopt);
  EXPECT_EQ(read("1e-1"), std::nullopt);
  EXPECT_EQ(read("1e19"), std::nullopt);
  EXPECT_EQ(read("1e999999999999999999999"), std::nullopt);
}

TEST(Value, HasNoNaNAndNoInfinity) {
  EXPECT_TRUE(Value(std::nan("")).is_null());
  EXPECT_TRUE(Value(std::numeric_limits<double>::infinity()).is_null());
  EXPECT_EQ(write(Value(0.5)), "0.5");
  EXPECT_EQ(write(Value(1.0)), "1");
}

TEST(Value, ObjectsCompareWithoutOrderAndArraysWithIt) {
  EXPECT_EQ(parse(R"({"a":1,"b":[1,2]})").value(), parse(R"({"b":[1,2],"a":1})").value());
  EXPECT_NE(parse("[1,2]").value(), parse("[2,1]").value());
  EXPECT_NE(parse(R"({"a":1})").value(), parse(R"({"a":1,"b":2})").value());
}

TEST(Value, MembersAreSetFoundAndErased) {
  Object made;
  made.set("a", 1);
  made.set("b", "x");
  made.set("a", 2);

  EXPECT_EQ(made.size(), 2U);
  EXPECT_EQ(made.find("a")->as_int(), 2);
  EXPECT_TRUE(made.erase("a"));
  EXPECT_FALSE(made.erase("a"));
  EXPECT_EQ(Value(made).text_or("b", "?"), "x");
  EXPECT_EQ(Value(made).text_or("c", "?"), "?");
  EXPECT_EQ(Value(1).find("b"), nullptr);
}

TEST(Write, PrintsCompactAndPretty) {
  const Value value = object({{"a", Array{1, Value(), true}}, {"b", Object()}, {"c", "q\"\\\x01"}});

  EXPECT_EQ(write(value), R"({"a":[1,null,true],"b":{},"c":"q\"\\\u0001"})");
  EXPECT_EQ(
      write_pretty(value),
      "{\n  \"a\": [\n    1,\n    null,\n    true\n  ],\n  \"b\": {},\n  \"c\": "
      "\"q\\\"\\\\\\u0001\"\n}"
  );
}

TEST(Write, TurnsForeignBytesIntoReplacementCharacters) {
  EXPECT_EQ(
      write(Value("a\xFF\xE2\x82\xAC\xE2\x82")),
      "\"a\xEF\xBF\xBD\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\""
  );
}

}  // namespace
}  // namespace sluice::json
