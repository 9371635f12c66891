#include "services/codemode-sandbox/domain/script_value.h"

#include "services/codemode-sandbox/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using ::testing::HasSubstr;

std::string text_result(const std::string& escaped) {
  return R"({"content":[{"type":"text","text":")" + escaped + R"("}]})";
}

TEST(ScriptValue, StructuredContentIsTheValue) {
  const auto value = value_of_result(
      R"({"content":[{"type":"text","text":"{\"n\":1}"}],"structuredContent":{"n":1,"big":12345678901234567890}})"
  );

  EXPECT_EQ(value.json, R"({"n":1,"big":12345678901234567890})");
}

TEST(ScriptValue, ASingleTextIsParsedWhereItIsAnObjectOrArray) {
  EXPECT_EQ(value_of_result(text_result(R"({\"a\":[1]})")).json, R"({"a":[1]})");
  EXPECT_EQ(value_of_result(text_result(R"( [1, 2])")).json, " [1, 2]");
  EXPECT_EQ(value_of_result(text_result("42")).json, R"("42")");
  EXPECT_EQ(value_of_result(text_result("plain \\n text")).json, R"("plain \n text")");
  EXPECT_EQ(value_of_result(text_result("{not json")).json, R"("{not json")");
  EXPECT_EQ(value_of_result(text_result("")).json, R"("")");
}

TEST(ScriptValue, SeveralItemsAndOthersThanTextAreTheArrayOfContent) {
  const std::string two = R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])";
  const std::string image = R"([{"type":"image","data":"AA==","mimeType":"image/png"}])";

  EXPECT_EQ(value_of_result(R"({"content":)" + two + "}").json, two);
  EXPECT_EQ(value_of_result(R"({"content":)" + image + "}").json, image);
  EXPECT_EQ(value_of_result(R"({"content":[]})").json, "null");
}

TEST(ScriptValue, ErrorsRejectWithTheirText) {
  const auto said = value_of_result(
      R"({"isError":true,"content":[{"type":"text","text":"no"},{"type":"text","text":"file"}]})"
  );
  const auto silent = value_of_result(R"({"isError":true,"content":[]})");

  EXPECT_EQ(said.error, "no\nfile");
  EXPECT_TRUE(silent.is_error());
  EXPECT_EQ(value_of_error(R"({"code":1,"message":"bad"})").error, "bad");
  EXPECT_TRUE(value_of_error("garbage").is_error());
}

TEST(ScriptValue, WhatIsNoResultRejects) {
  EXPECT_TRUE(value_of_result("").is_error());
  EXPECT_TRUE(value_of_result("[1]").is_error());
  EXPECT_EQ(value_of_result("{}").json, "null");
}

TEST(ScriptValue, WhatIsTooLargeRejectsWithWhatToDo) {
  const auto value = value_of_result(text_result(std::string(kValueBytesMax + 1, 'x')));

  EXPECT_THAT(value.error, HasSubstr("ask the tool for less"));
}

TEST(ScriptValue, RecordsAreResultsOrErrors) {
  EXPECT_EQ(value_of_record(text_result("a")).json, R"("a")");
  EXPECT_EQ(value_of_record(R"({"code":-32602,"message":"bad"})").error, "bad");
}

}  // namespace
}  // namespace sluice::codemode_sandbox
