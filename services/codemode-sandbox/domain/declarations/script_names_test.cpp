#include "services/codemode-sandbox/domain/declarations/script_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::codemode_sandbox {
namespace {

using ::testing::ElementsAre;

TEST(ScriptNames, IdentifiersStay) {
  EXPECT_THAT(
      tool_script_names({"delete", "new", "read_file", "$x"}),
      ElementsAre("delete", "new", "read_file", "$x")
  );
  EXPECT_THAT(server_script_names({"files", "type_"}), ElementsAre("files", "type_"));
}

TEST(ScriptNames, ReservedServersEndInAnUnderscore) {
  EXPECT_THAT(
      server_script_names({"Date", "Date_", "__proto__", "class", "console"}),
      ElementsAre("Date__2", "Date_", "__proto___", "class_", "console_")
  );
}

TEST(ScriptNames, OthersAreReplacedAndNumberedInTheirOrder) {
  EXPECT_THAT(
      tool_script_names({"1st", "a b", "a-b", "a.b", "a_b", "größe", "then", "\xF0\x9F\x93\x8F"}),
      ElementsAre("_1st", "a_b_2", "a_b_3", "a_b_4", "a_b", "gr__e", "then_", "_")
  );
}

// Every set of names: identifiers, no two alike, the same again.
TEST(ScriptNames, AreUniqueIdentifiersWhateverTheNames) {
  std::mt19937 random(7);
  constexpr std::string_view kLetters = "ab_-.2 $";
  for (int round = 0; round < 300; ++round) {
    std::set<std::string> names;
    for (int i = 0; i < 40; ++i) {
      std::string name;
      for (std::size_t length = random() % 5; name.size() < length;) {
        name.push_back(kLetters[random() % kLetters.size()]);
      }
      names.insert(name);
    }
    const std::vector<std::string> real(names.begin(), names.end());
    const auto script = tool_script_names(real);
    ASSERT_EQ(script.size(), real.size());
    ASSERT_EQ(std::set<std::string>(script.begin(), script.end()).size(), real.size());
    for (std::size_t i = 0; i < real.size(); ++i) {
      ASSERT_TRUE(is_identifier(script[i])) << real[i];
      ASSERT_TRUE(!is_identifier(real[i]) || script[i] == real[i]) << real[i];
    }
    ASSERT_EQ(tool_script_names(real), script);
  }
}

}  // namespace
}  // namespace sluice::codemode_sandbox
