#include "services/codemode-sandbox/runner/supervisor/script_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice::codemode_runner {
namespace {

CompiledScript script(std::string javascript) {
  return {.javascript = std::move(javascript), .check = {}};
}

TEST(ScriptCache, AnswersWhatWasInserted) {
  ScriptCache cache(4, 100);
  cache.insert("a", script("return 1"));

  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("a")->javascript, "return 1");
  EXPECT_EQ(cache.find("b"), nullptr);
}

TEST(ScriptCache, KeepsTheCheckWithTheScriptAndCountsIt) {
  ScriptCache cache(4, 100);
  CompiledScript checked = script("1");
  checked.check.add_calls()->set_tool("search");
  cache.insert("a", checked);

  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("a")->check.calls(0).tool(), "search");
  EXPECT_EQ(cache.bytes(), 1 + checked.check.ByteSizeLong());
}

TEST(ScriptCache, ForgetsTheLeastRecentlyUsedOverItsEntries) {
  ScriptCache cache(2, 100);
  cache.insert("a", script("1"));
  cache.insert("b", script("2"));
  ASSERT_NE(cache.find("a"), nullptr);

  cache.insert("c", script("3"));

  EXPECT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_NE(cache.find("c"), nullptr);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(ScriptCache, StaysWithinItsBytes) {
  ScriptCache cache(100, 10);
  cache.insert("a", script("1234"));
  cache.insert("b", script("1234"));
  cache.insert("c", script("1234"));

  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 8U);
}

TEST(ScriptCache, RefusesWhatIsLargerThanItself) {
  ScriptCache cache(100, 10);
  cache.insert("a", script("1234"));

  cache.insert("b", script(std::string(11, 'x')));

  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_NE(cache.find("a"), nullptr);
}

TEST(ScriptCache, KeepsTheFirstAnswerForASource) {
  ScriptCache cache(4, 100);
  cache.insert("a", script("first"));

  cache.insert("a", script("second"));

  EXPECT_EQ(cache.find("a")->javascript, "first");
  EXPECT_EQ(cache.bytes(), 5U);
}

}  // namespace
}  // namespace sluice::codemode_runner
