#include "services/policy-engine/domain/confusable.h"

#include "services/policy-engine/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The whole table, as the definition of the distance has it.
std::size_t naive_distance(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({replaced, table[i - 1][j] + 1, table[i][j - 1] + 1});
    }
  }
  return table[a.size()][b.size()];
}

bool naive_confusable(const ToolName& a, const ToolName& b) {
  if (a.server == b.server) {
    return false;
  }
  const std::u32string one = seen_form(a.tool);
  const std::u32string other = seen_form(b.tool);
  const std::size_t shorter = std::min(one.size(), other.size());
  const std::size_t allowed = shorter >= 6 ? 2 : shorter >= 4 ? 1 : 0;
  return naive_distance(one, other) <= allowed || one == seen_form(b.server + "-" + b.tool) ||
         other == seen_form(a.server + "-" + a.tool);
}

// Names with many near ones: edits of a few words, over six servers.
std::vector<ToolName> random_names(std::mt19937_64& random, std::size_t count) {
  const std::vector<std::string> words{
      "read_file", "get", "list", "Search", "read_files", "délete"
  };
  std::set<ToolName> names;
  while (names.size() < count) {
    std::string tool = words[random() % words.size()];
    for (std::size_t edits = random() % 5; edits > 0; --edits) {
      const std::size_t place = random() % (tool.size() + 1);
      const char letter = "abcdeR_-"[random() % 8];
      if (random() % 2 == 0 || place == tool.size()) {
        tool.insert(place, 1, letter);
      } else if (static_cast<unsigned char>(tool[place]) < 0x80U) {
        tool[place] = letter;
      }
    }
    names.insert({"server" + std::to_string(random() % 6), tool});
  }
  std::vector<ToolName> shuffled(names.begin(), names.end());
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  return shuffled;
}

TEST(Confusable, SeesNamesAsReadersDo) {
  EXPECT_TRUE(is_confusable({"a", "read_file"}, {"b", "read_file"}));
  EXPECT_TRUE(is_confusable({"a", "read_file"}, {"b", "READ_FILE"}));
  EXPECT_TRUE(is_confusable({"a", "read_file"}, {"b", "ｒｅａｄ_ﬁle"})) << "NFKC";
  EXPECT_TRUE(is_confusable({"a", "read_file"}, {"b", "read\u200b_f\u00adile"})) << "not shown";
  EXPECT_TRUE(is_confusable({"a", "read_file"}, {"b", "re\u0430d_file"})) << "one other letter";
  EXPECT_TRUE(is_confusable({"a", "read_file"}, {"b", "readfiles"}));
  EXPECT_TRUE(is_confusable({"a", "read"}, {"b", "a-read"})) << "the other's name in listings";
  EXPECT_FALSE(is_confusable({"a", "read_file"}, {"a", "read_file2"})) << "of one server";
  EXPECT_FALSE(is_confusable({"a", "get"}, {"b", "set"})) << "short";
  EXPECT_FALSE(is_confusable({"a", "read_file"}, {"b", "read_table"}));
}

TEST(Confusable, FindsPairsOfNewNamesOnly) {
  const std::vector<ToolName> fresh{{"b", "read_file"}};
  const std::vector<ToolName> known{{"a", "read_file"}, {"c", "readfile"}, {"d", "write_file"}};

  const ConfusablePairs found = confusable_pairs(fresh, known);

  EXPECT_THAT(
      found.pairs,
      ElementsAre(
          ConfusablePair{{"a", "read_file"}, {"b", "read_file"}},
          ConfusablePair{{"b", "read_file"}, {"c", "readfile"}}
      )
  );
  EXPECT_TRUE(found.complete);
  EXPECT_THAT(confusable_pairs({}, known).pairs, IsEmpty());
}

TEST(Confusable, FindsWhatComparingEachWithEachFinds) {
  const std::uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  std::size_t pairs = 0;
  for (int round = 0; round < 60; ++round) {
    const std::vector<ToolName> names = random_names(random, 40);
    const auto split = names.begin() + static_cast<std::ptrdiff_t>(random() % names.size());
    const std::vector<ToolName> fresh(names.begin(), split);
    const std::vector<ToolName> known(split, names.end());
    std::set<ConfusablePair> expected;
    for (const ToolName& a : fresh) {
      for (const ToolName& b : names) {
        if (naive_confusable(a, b)) {
          expected.insert(a < b ? ConfusablePair{a, b} : ConfusablePair{b, a});
        }
      }
    }

    const ConfusablePairs found = confusable_pairs(fresh, known);

    ASSERT_TRUE(found.complete);
    ASSERT_EQ(std::set(found.pairs.begin(), found.pairs.end()), expected)
        << "seed " << seed << ", round " << round;
    pairs += expected.size();
  }
  EXPECT_GT(pairs, 500U) << "seed " << seed;
}

TEST(Confusable, IsBounded) {
  std::vector<ToolName> names;
  for (int i = 0; i < 200; ++i) {
    names.push_back({"server" + std::to_string(i), "read_file"});
  }

  const ConfusablePairs found = confusable_pairs(names, {});

  EXPECT_EQ(found.pairs.size(), kConfusablePairsMax);
  EXPECT_FALSE(found.complete);
}

TEST(Confusable, LooksAtTenThousandNames) {
  std::vector<ToolName> names;
  for (int i = 0; i < 10'000; ++i) {
    names.push_back(
        {"server" + std::to_string(i % 100),
         "tool_" + std::to_string(std::uint64_t(i) * 2654435761U)}
    );
  }

  const ConfusablePairs found = confusable_pairs(names, {});

  for (const ConfusablePair& pair : found.pairs) {
    ASSERT_TRUE(naive_confusable(pair.a, pair.b)) << pair.a.tool << " " << pair.b.tool;
  }
}

}  // namespace
}  // namespace sluice::policy_engine
