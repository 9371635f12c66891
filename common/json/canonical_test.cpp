#include "common/json/canonical.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::json {
namespace {

using sluice::testing::HasCode;

std::string form(std::string_view text) {
  return canonical(text).value();
}

// Source: RFC 8785 §3.2.2, figure 1, without its numbers beyond 2^53 (integers keep their digits
// here).
TEST(Canonical, PrintsTheExampleOfTheStandard) {
  EXPECT_EQ(
      form(R"({"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
               "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
               "literals": [null, true, false]})"),
      "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
      "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
  );
}

// Source: RFC 8785 §3.2.3.
TEST(Canonical, SortsKeysByUtf16CodeUnits) {
  EXPECT_EQ(
      form(
          R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
               "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})"
      ),
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":\"Latin "
      "Small Letter O With Diaeresis\","
      "\"\xE2\x82\xAC\":\"Euro Sign\",\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\","
      "\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}"
  );
  EXPECT_EQ(form(R"({"ab":1,"a":2,"":3,"A":4})"), R"({"":3,"A":4,"a":2,"ab":1})");
}

// Source: RFC 8785 appendix B, as decimal input.
TEST(Canonical, PrintsNumbersInEcmascriptForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"0.0", "0"},
      {"-0.0", "0"},
      {"5e-324", "5e-324"},
      {"-5e-324", "-5e-324"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"9007199254740992.0", "9007199254740992"},
      {"295147905179352830000.0", "295147905179352830000"},
      {"1e21", "1e+21"},
      {"9.999999999999997e22", "9.999999999999997e+22"},
      {"1e23", "1e+23"},
      {"1.0000000000000001e23", "1.0000000000000001e+23"},
      {"999999999999999700000.0", "999999999999999700000"},
      {"0.000001", "0.000001"},
      {"1e-7", "1e-7"},
      {"0.00000123", "0.00000123"},
      {"333333333.3333332", "333333333.3333332"},
      {"424242424242424.25", "424242424242424.25"},
      {"1e20", "100000000000000000000"},
      {"-1.5E+1", "-15"},
      {"1e-400", "0"},
  };

  for (const auto& [written, expected] : cases) {
    EXPECT_EQ(form(written), expected) << written;
  }
}

TEST(Canonical, IntegersKeepTheirDigits) {
  EXPECT_EQ(
      form("[123456789012345678901234567890, -0, 0, -1]"), "[123456789012345678901234567890,0,0,-1]"
  );
}

std::string by_value(std::string_view text) {
  return canonical_by_value(parse(text).value());
}

TEST(Canonical, ByValueHasOneFormForAllSpellingsOfANumber) {
  EXPECT_EQ(
      by_value("[1, 1.0, 10e-1, 0.1, 1E-1, 0.10, -0, 0.0, 5e-324]"),
      "[1,1,1,0.1,0.1,0.1,0,0,5e-324]"
  );
  EXPECT_EQ(
      by_value("[1e21, 1000000000000000000000, 1e20, 100000000000000000000]"),
      "[1e+21,1e+21,100000000000000000000,100000000000000000000]"
  );
  // What the double is, and the shortest way to write it.
  EXPECT_EQ(
      by_value("[12345678901234567741440, 12345678901234568000000, 1.2345678901234568e22]"),
      "[1.2345678901234568e+22,1.2345678901234568e+22,1.2345678901234568e+22]"
  );
  EXPECT_EQ(
      by_value("[9007199254740992, 9007199254740993, 9007199254740993.0, 9007199254740994]"),
      "[9007199254740992,9007199254740993,9007199254740993,9007199254740994]"
  );
  EXPECT_EQ(by_value("[-9007199254740993, -1e21]"), "[-9007199254740993,-1e+21]");
}

TEST(Canonical, IsItsOwnCanonicalForm) {
  for (const std::string_view text :
       {R"({"b":[1.10,{"d":1,"c":"\u00e9"}],"a":1e5})", "[]", "\"\\u0007\"", "-1.25e-9"}) {
    const std::string once = form(text);

    EXPECT_EQ(form(once), once);
  }
}

TEST(Canonical, RefusesWhatTheParserRefuses) {
  EXPECT_THAT(canonical(std::string_view(R"({"a":1,"a":1})")), HasCode(Code::Invalid));
  EXPECT_THAT(canonical(std::string_view(R"("\ud800")")), HasCode(Code::Invalid));
  EXPECT_THAT(canonical(std::string_view("1e999")), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::json
