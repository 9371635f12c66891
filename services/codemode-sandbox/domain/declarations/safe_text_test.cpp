#include "services/codemode-sandbox/domain/declarations/safe_text.h"

#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

TEST(SafeText, LiteralsCannotBeLeftOrReadInAnotherOrder) {
  EXPECT_EQ(quoted_literal("a\"b\\c\nd"), R"("a\"b\\c\nd")");
  EXPECT_EQ(quoted_literal("\xE2\x80\xAE\xE2\x80\xA8\x01"), R"("\u202e\u2028\u0001")");
  EXPECT_EQ(quoted_literal("\xF3\xA0\x80\x81"), R"("\udb40\udc01")");
  EXPECT_EQ(quoted_literal("größe"), "\"größe\"");
  EXPECT_EQ(member_name("a_b"), "a_b");
  EXPECT_EQ(member_name("a-b"), "\"a-b\"");
}

TEST(SafeText, CommentsStayComments) {
  EXPECT_EQ(comment_text("a */ b /* c\n\n  d", 100), "a * / b / * c d");
  EXPECT_EQ(comment_text("*\xE2\x80\x8B/", 100), "* /");
  EXPECT_EQ(comment_text("x @ts-nocheck", 100), "x @ts_nocheck");
  EXPECT_EQ(comment_text("\xE2\x80\xAEsdrawkcab", 100), "sdrawkcab");
}

TEST(SafeText, CommentsAreCutAfterAWord) {
  EXPECT_EQ(comment_text("one two three four", 12), "one two…");
  EXPECT_LE(comment_text(std::string(5'000, 'x'), 240).size(), 240U);
  EXPECT_EQ(comment_text("ääääääää", 8), "ää…");
}

}  // namespace
}  // namespace sluice::codemode_sandbox
