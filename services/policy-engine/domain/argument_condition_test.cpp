#include "services/policy-engine/domain/argument_condition.h"

#include "services/policy-engine/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using Kind = ArgumentTest::Kind;
using testing::HasCode;
using testing::IsOk;

bool met(ArgumentTest test, const std::string& arguments) {
  auto condition = ArgumentCondition::compile(std::move(test));
  EXPECT_THAT(condition, IsOk());
  const auto value = json::parse(arguments);
  EXPECT_THAT(value, IsOk());
  Effort effort;
  return condition.value().is_met(value.value(), &effort);
}

TEST(ArgumentCondition, PointersFollowTheStandard) {
  const auto exists = [](const std::string& pointer, const std::string& arguments) {
    return met({.pointer = pointer, .kind = Kind::Exists}, arguments);
  };

  EXPECT_TRUE(exists("", "{}"));
  EXPECT_TRUE(exists("/", R"({"": 1})"));
  EXPECT_TRUE(exists("/a~1b/~0/~2", R"({"a/b": {"~": {"*": 1}}})"));
  EXPECT_FALSE(exists("/~2", R"({"a": 1})"));
  EXPECT_TRUE(exists("/a/1", R"({"a": [0, 1]})"));
  EXPECT_FALSE(exists("/a/01", R"({"a": [0, 1]})"));
  EXPECT_FALSE(exists("/a/-", R"({"a": [0, 1]})"));
  EXPECT_FALSE(exists("/a/99999999999999999999999", R"({"a": [0, 1]})"));
  EXPECT_TRUE(exists("/*/*/b", R"({"x": [{"a": 1}, {"b": 1}]})"));
  EXPECT_FALSE(exists("/*", "{}"));
}

TEST(ArgumentCondition, WhatCannotBeJudgedIsMet) {
  const ArgumentTest prefix{.pointer = "/p", .kind = Kind::Prefix, .text = "/etc", .is_path = true};
  ArgumentTest outside = prefix;
  outside.negated = true;

  for (const char* arguments :
       {R"({"p": 5})",
        R"({"p": null})",
        R"({"p": ["/etc"]})",
        R"({"p": "etc"})",
        R"({"p": "/srv\u0000"})"}) {
    EXPECT_TRUE(met(prefix, arguments)) << arguments;
    EXPECT_TRUE(met(outside, arguments)) << arguments;
  }
  EXPECT_TRUE(met({.pointer = "/p/q", .kind = Kind::Regex, .text = "x"}, R"({"p": "scalar"})"));
  EXPECT_FALSE(met(
      {.pointer = "/p/q", .kind = Kind::Equals, .values = {json::Value("x")}}, R"({"p": "scalar"})"
  ));
}

TEST(ArgumentCondition, ArgumentsTooLargeToLookAtMeetEveryCondition) {
  std::string many = R"({"p": [0)";
  for (std::size_t i = 0; i < kEvaluationEffortMax; ++i) {
    many += ",0";
  }
  many += "]}";
  const std::string text =
      R"({"p": ")" + std::string((kEvaluationEffortMax + 1) * kEffortBytes / 8, 'a') + "\"}";
  const json::Value large = json::parse(text).value();
  Effort effort;
  const auto regex =
      ArgumentCondition::compile({.pointer = "/p", .kind = Kind::Regex, .text = "b"});
  ASSERT_THAT(regex, IsOk());

  EXPECT_TRUE(met({.pointer = "/p/*", .kind = Kind::Equals, .values = {json::Value(1)}}, many));
  EXPECT_TRUE(met({.pointer = "/p/*/x", .kind = Kind::Exists, .exists = false}, many));
  for (int i = 0; i < 7; ++i) {
    EXPECT_FALSE(regex.value().is_met(large, &effort));
  }
  EXPECT_TRUE(regex.value().is_met(large, &effort));  // all rules share what one call may cost
}

TEST(ArgumentCondition, GlobsAreAnchoredAndEscapable) {
  const auto glob = [](const std::string& pattern, const std::string& text) {
    return met({.pointer = "/p", .kind = Kind::Glob, .text = pattern}, R"({"p": ")" + text + "\"}");
  };

  EXPECT_TRUE(glob("*.txt", "a.txt"));
  EXPECT_FALSE(glob("*.txt", "a.txt2"));
  EXPECT_FALSE(glob("a.txt", "aXtxt"));
  EXPECT_TRUE(glob("?", "ä"));
  EXPECT_TRUE(glob("**", "a/b\\nc"));
  EXPECT_TRUE(glob("\\*", "*"));
  EXPECT_FALSE(glob("\\*", "x"));
  EXPECT_TRUE(glob("ä*", "äb"));
}

TEST(ArgumentCondition, FaultsNameTheMember) {
  const auto bad = ArgumentCondition::compile({.pointer = "/a", .kind = Kind::Regex, .text = "[a"});

  ASSERT_THAT(bad, HasCode(Code::Invalid));
  EXPECT_EQ(bad.error().detail(), "regex");
}

}  // namespace
}  // namespace sluice::policy_engine
