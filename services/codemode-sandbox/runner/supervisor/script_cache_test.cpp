#include "services/codemode-sandbox/runner/supervisor/script_cache.h"

#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

TEST(ScriptCache, AnswersWhatWasInserted) {
  ScriptCache cache(4, 100);
  cache.insert("a", "return 1");

  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(*cache.find("a"), "return 1");
  EXPECT_EQ(cache.find("b"), nullptr);
}

TEST(ScriptCache, ForgetsTheLeastRecentlyUsedOverItsEntries) {
  ScriptCache cache(2, 100);
  cache.insert("a", "1");
  cache.insert("b", "2");
  ASSERT_NE(cache.find("a"), nullptr);

  cache.insert("c", "3");

  EXPECT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_NE(cache.find("c"), nullptr);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(ScriptCache, StaysWithinItsBytes) {
  ScriptCache cache(100, 10);
  cache.insert("a", "1234");
  cache.insert("b", "1234");
  cache.insert("c", "1234");

  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 8U);
}

TEST(ScriptCache, RefusesWhatIsLargerThanItself) {
  ScriptCache cache(100, 10);
  cache.insert("a", "1234");

  cache.insert("b", std::string(11, 'x'));

  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_NE(cache.find("a"), nullptr);
}

TEST(ScriptCache, KeepsTheFirstAnswerForASource) {
  ScriptCache cache(4, 100);
  cache.insert("a", "first");

  cache.insert("a", "second");

  EXPECT_EQ(*cache.find("a"), "first");
  EXPECT_EQ(cache.bytes(), 5U);
}

}  // namespace
}  // namespace sluice::codemode_runner
