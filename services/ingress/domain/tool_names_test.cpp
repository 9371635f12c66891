#include "services/ingress/domain/tool_names.h"

#include "services/ingress/limits.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::ingress {
namespace {

TEST(ToolNames, AreServerAndToolWhereThatIsAllowed) {
  EXPECT_EQ(model_name_of("filesystem-read_file"), "filesystem-read_file");
  EXPECT_EQ(
      model_name_of("s-" + std::string(kToolNameBytesMax - 2, 't')).size(), kToolNameBytesMax
  );
}

TEST(ToolNames, AreShortenedToSixtyFourCharactersThatStayApart) {
  const std::string one = model_name_of("server-" + std::string(100, 'a') + "1");
  const std::string two = model_name_of("server-" + std::string(100, 'a') + "2");

  EXPECT_EQ(one.size(), kToolNameBytesMax);
  EXPECT_NE(one, two);
  EXPECT_TRUE(one.starts_with("server-aaaa"));
}

TEST(ToolNames, HaveOnlyCharactersProvidersTake) {
  const std::string name = model_name_of("server-list users.v2/ü");

  EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  }));
  EXPECT_TRUE(name.starts_with("server-list_users_v2_"));
  EXPECT_NE(name, model_name_of("server-list users.v2.ü"));
}

TEST(ToolNames, AreTheSameEveryTime) {
  EXPECT_EQ(model_name_of("s-a b"), model_name_of("s-a b"));
}

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("read_file", "read_file"), 0U);
  EXPECT_EQ(edit_distance("read_file", "read_fil"), 1U);
  EXPECT_EQ(edit_distance("read_file", "raed_file"), 2U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance(std::string(100'000, 'a'), "a"), kNearNameBytesMax - 1);
}

}  // namespace
}  // namespace sluice::ingress
