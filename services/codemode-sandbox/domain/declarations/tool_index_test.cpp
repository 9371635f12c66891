#include "services/codemode-sandbox/domain/declarations/tool_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ToolIndex, WordsArePartedAtCaseAndPunctuation) {
  EXPECT_THAT(
      words_of("readFile_v2 HTTPServer, get-issues größe", 20),
      ElementsAre("read", "file", "v", "2", "http", "server", "get", "issue", "größe")
  );
  EXPECT_THAT(words_of("", 20), IsEmpty());
  EXPECT_THAT(words_of("--- !", 20), IsEmpty());
  EXPECT_THAT(words_of("a b c", 2), ElementsAre("a", "b"));
}

TEST(ToolIndex, TheBestComeFirst) {
  ToolIndex index;
  index.add("github", "create_issue", "Opens a new issue in a repository");
  index.add("github", "list_issues", "Lists issues");
  index.add("files", "write_file", "Writes text to a file");
  index.add("mail", "send", "Sends a message, for example about an issue");

  EXPECT_THAT(index.search("write a file", 10), ::testing::Contains(2).Times(1));
  EXPECT_EQ(index.search("write a file", 10).front(), 2U);
  EXPECT_EQ(index.search("create issue", 10).front(), 0U);
  EXPECT_THAT(index.search("issues", 2), ElementsAre(1, 0));
  EXPECT_THAT(index.search("weather", 10), IsEmpty());
  EXPECT_THAT(index.search("", 10), IsEmpty());
}

TEST(ToolIndex, EqualOnesKeepTheirOrder) {
  ToolIndex index;
  for (int i = 0; i < 5; ++i) {
    index.add("s", "same_tool", "the same text");
  }
  EXPECT_THAT(index.search("same", 3), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
