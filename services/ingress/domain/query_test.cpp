#include "services/ingress/domain/query.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;

TEST(Query, FindsAndDecodesAParameter) {
  EXPECT_EQ(query_text("a=1&search=file%20system+x&search=y", "search").value(), "file system x");
  EXPECT_EQ(query_text("a=%3A%3a%2F", "a").value(), "::/");
  EXPECT_EQ(query_text("search", "search").value(), "");
  EXPECT_FALSE(query_text("", "search").value().has_value());
  EXPECT_FALSE(query_text("research=1", "search").value().has_value());
}

TEST(Query, RefusesMalformedEncoding) {
  for (const char* query : {"a=%", "a=%1", "a=%zz", "a=x%2"}) {
    EXPECT_THAT(query_text(query, "a"), HasCode(Code::Invalid)) << query;
  }
}

TEST(Query, ReadsNumbersWithinTheirBounds) {
  EXPECT_EQ(query_number("limit=7", "limit", 5, 10).value(), 7U);
  EXPECT_EQ(query_number("", "limit", 5, 10).value(), 5U);
  for (const char* query :
       {"limit=11", "limit=-1", "limit=", "limit=1x", "limit=99999999999999999999", "limit=0x1"}) {
    EXPECT_THAT(query_number(query, "limit", 5, 10), HasCode(Code::Invalid)) << query;
  }
}

}  // namespace
}  // namespace sluice::ingress
