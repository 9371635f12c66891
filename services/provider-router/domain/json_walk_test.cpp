#include "services/provider-router/domain/json_walk.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::provider_router {
namespace {

TEST(JsonWalk, FindsMembersPastNestedValues) {
  const std::string text = R"( { "a" : {"b": "}\"", "c": [1, {"d": "]"}]} , "e":2, "f" : null } )";

  EXPECT_EQ(member(text, "e"), "2");
  EXPECT_EQ(member(text, "f"), "null");
  EXPECT_EQ(member(member(text, "a"), "c"), R"([1, {"d": "]"}])");
  EXPECT_EQ(member(text, "b"), "");
}

TEST(JsonWalk, VisitsElementsInOrder) {
  std::vector<std::string> seen;

  each_element(R"([ 1 , "a,b", [2,3] ,{"x":[]} ])", [&seen](std::string_view raw) {
    seen.emplace_back(raw);
    return true;
  });

  EXPECT_EQ(seen, (std::vector<std::string>{"1", "\"a,b\"", "[2,3]", "{\"x\":[]}"}));
}

TEST(JsonWalk, UnescapesText) {
  EXPECT_EQ(
      text_of(R"("a\n\"b\"\\ \u00e9 \ud83d\ude00 \/")"), "a\n\"b\"\\ \xC3\xA9 \xF0\x9F\x98\x80 /"
  );
  EXPECT_EQ(text_of("null"), "");
  EXPECT_EQ(text_of("\"\""), "");
}

TEST(JsonWalk, ReadsIntegersOnly) {
  EXPECT_EQ(integer_of("-12"), -12);
  EXPECT_EQ(integer_of("1.5", 7), 7);
  EXPECT_EQ(integer_of("", 7), 7);
}

TEST(JsonWalk, StaysInsideBrokenText) {
  for (const std::string_view text :
       {"{",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":[",
        "{\"a\":\"\\",
        "[",
        "[1",
        "[\"",
        "}",
        "{\"a\":1,"}) {
    EXPECT_LE(member(text, "a").size(), text.size());
    each_element(text, [](std::string_view) { return true; });
    each_member(text, [](std::string_view, std::string_view) { return true; });
  }
}

}  // namespace
}  // namespace sluice::provider_router
