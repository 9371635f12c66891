#include "common/json/parse.h"

#include "common/json/test_documents.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::json {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

TEST(Parse, AcceptsEveryGoodDocument) {
  for (const std::string_view document : testing::kGoodValues) {
    EXPECT_THAT(parse(document), IsOk()) << document;
    EXPECT_THAT(parse(testing::as_member(document)), IsOk()) << document;
  }
}

TEST(Parse, RefusesEveryBadDocument) {
  for (const std::string_view document : testing::kBadValues) {
    EXPECT_THAT(parse(document), HasCode(Code::Invalid)) << document;
    EXPECT_THAT(parse(testing::as_member(document)), HasCode(Code::Invalid)) << document;
  }
}

TEST(Parse, RefusesForeignBytesInStringsAndKeys) {
  for (const std::string_view bytes : testing::kBadBytes) {
    const std::string text = std::string(bytes);
    EXPECT_THAT(parse("\"" + text + "\""), HasCode(Code::Invalid));
    EXPECT_THAT(parse("{\"" + text + "\": 1}"), HasCode(Code::Invalid));
    EXPECT_THAT(parse("[1" + text + "]"), HasCode(Code::Invalid));
  }
}

TEST(Parse, RefusesNulBytesAndByteOrderMarks) {
  EXPECT_THAT(parse(std::string_view("1\0", 2)), HasCode(Code::Invalid));
  EXPECT_THAT(parse(std::string_view("\"a\0b\"", 5)), HasCode(Code::Invalid));
  EXPECT_THAT(parse("\xEF\xBB\xBF{}"), HasCode(Code::Invalid));
}

TEST(Parse, RefusesDuplicateKeysAtEveryLevel) {
  EXPECT_THAT(parse(R"({"a":1,"a":2})"), HasCode(Code::Invalid));
  EXPECT_THAT(parse(R"({"a":1,"\u0061":2})"), HasCode(Code::Invalid));
  EXPECT_THAT(parse(R"({"x":[{"y":{"a":1,"b":2,"a":3}}]})"), HasCode(Code::Invalid));
  EXPECT_THAT(parse(R"({"a":{"a":{"a":1}}})"), IsOk());
}

TEST(Parse, FindsADuplicateAmongManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) {
    text += "\"k" + std::to_string(i) + "\":0,";
  }

  EXPECT_THAT(parse(text + "\"z\":0}"), IsOk());
  EXPECT_THAT(parse(text + "\"k7\":0}"), HasCode(Code::Invalid));
  EXPECT_THAT(parse(text + "\"k4999\":0}"), HasCode(Code::Invalid));
}

TEST(Parse, TellsLineAndColumnAndWhatToDo) {
  const auto missing = parse("{\n  \"a\": 1,\n  \"b\" 2\n}");
  const auto twice = parse("{\"a\": 1,\n \"a\": 2}");

  ASSERT_THAT(missing, HasCode(Code::Invalid));
  EXPECT_THAT(missing.error().message(), HasSubstr("line 3, column 7"));
  EXPECT_THAT(missing.error().message(), HasSubstr("send one well-formed JSON document"));
  ASSERT_THAT(twice, HasCode(Code::Invalid));
  EXPECT_THAT(twice.error().message(), HasSubstr("duplicate key \"a\" at line 2"));
}

TEST(Parse, BoundsDepth) {
  EXPECT_THAT(parse(testing::nested(64)), IsOk());
  EXPECT_THAT(parse(testing::nested(65)), HasCode(Code::Invalid));
  EXPECT_THAT(parse(testing::nested(100'000)), HasCode(Code::Invalid));
  EXPECT_THAT(parse("[[1]]", {.depth_max = 1}), HasCode(Code::Invalid));
}

TEST(Parse, BoundsBytes) {
  EXPECT_THAT(parse("[1,2]", {.bytes_max = 5}), IsOk());
  EXPECT_THAT(parse("[1,2]", {.bytes_max = 4}), HasCode(Code::Invalid));
}

TEST(Parse, KeepsNumbersAsTheyWereWritten) {
  for (const std::string_view token :
       {"0",
        "-0",
        "1",
        "-1",
        "1.0",
        "1.50",
        "1E5",
        "1e+5",
        "-0.0",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "0.1000"}) {
    const auto value = parse(token);

    ASSERT_THAT(value, IsOk()) << token;
    EXPECT_EQ(write(value.value()), token);
  }
}

TEST(Parse, KeepsTheOrderOfMembers) {
  const std::string text = R"({"z":1,"a":{"y":[],"b":{}},"m":null})";

  EXPECT_EQ(write(parse(text).value()), text);
}

TEST(Parse, ResolvesEscapes) {
  EXPECT_EQ(
      *parse(R"("\u00e9\ud83d\ude00\n\/")").value().as_string(), "\xC3\xA9\xF0\x9F\x98\x80\n/"
  );
}

TEST(Parse, SkipsCommentsOnlyWhereAsked) {
  const std::string text = "// head\n{\"a\": /* inner */ 1} // tail\n";

  EXPECT_THAT(parse(text), HasCode(Code::Invalid));
  ASSERT_THAT(parse_with_comments(text), IsOk());
  EXPECT_EQ(write(parse_with_comments(text).value()), R"({"a":1})");
  EXPECT_THAT(parse_with_comments("{\"a\": 1,}"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::json
