#include "services/ingress/domain/lru_cache.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

TEST(LruCache, ForgetsWhatWasNotAskedForLongest) {
  LruCache<int> cache(2);
  cache.put("a", 1);
  cache.put("b", 2);
  ASSERT_NE(cache.find("a"), nullptr);

  cache.put("c", 3);

  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.find("b"), nullptr);
  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(*cache.find("c"), 3);
}

TEST(LruCache, ReplacesAndErases) {
  LruCache<int> cache(2);
  cache.put("a", 1);
  cache.put("a", 2);
  EXPECT_EQ(*cache.find("a"), 2);
  EXPECT_EQ(cache.size(), 1U);

  cache.erase("a");
  cache.erase("never there");

  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace sluice::ingress
