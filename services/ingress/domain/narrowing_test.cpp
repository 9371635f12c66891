#include "services/ingress/domain/narrowing.h"

#include "services/ingress/limits.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

http::Headers with(std::initializer_list<std::pair<std::string, std::string>> fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) {
    headers.add(name, value);
  }
  return headers;
}

TEST(Narrowing, AllowsEverythingWithoutHeaders) {
  const auto narrowing = Narrowing::parse({});

  ASSERT_THAT(narrowing, IsOk());
  EXPECT_FALSE(narrowing.value().restricted());
  EXPECT_FALSE(narrowing.value().none());
  EXPECT_TRUE(narrowing.value().allows("any", "tool"));
  EXPECT_EQ(narrowing.value().key(), "");
}

TEST(Narrowing, KeepsToTheServersNamed) {
  const auto narrowing =
      Narrowing::parse(with({{"x-sluice-include-servers", "github, filesystem"}}));

  ASSERT_THAT(narrowing, IsOk());
  EXPECT_TRUE(narrowing.value().allows("github", "anything"));
  EXPECT_FALSE(narrowing.value().allows("git", "anything"));
}

TEST(Narrowing, KnowsBifrostsHeadersAndWildcards) {
  const auto narrowing = Narrowing::parse(with(
      {{"x-bf-mcp-include-clients", "*"},
       {"x-bf-mcp-include-tools", "github-*,filesystem-read_file"}}
  ));

  ASSERT_THAT(narrowing, IsOk());
  EXPECT_TRUE(narrowing.value().allows("github", "anything"));
  EXPECT_TRUE(narrowing.value().allows("filesystem", "read_file"));
  EXPECT_FALSE(narrowing.value().allows("filesystem", "write_file"));
}

TEST(Narrowing, AppliesBothListsWhereBothAreGiven) {
  const auto narrowing = Narrowing::parse(
      with({{"x-sluice-include-servers", "github"}, {"x-sluice-include-tools", "*"}})
  );

  ASSERT_THAT(narrowing, IsOk());
  EXPECT_TRUE(narrowing.value().allows("github", "a"));
  EXPECT_FALSE(narrowing.value().allows("filesystem", "a"));
}

TEST(Narrowing, TakesAnEmptyValueForNone) {
  for (const char* value : {"", " ", ",", " , "}) {
    const auto narrowing = Narrowing::parse(with({{"x-sluice-include-tools", value}}));

    ASSERT_THAT(narrowing, IsOk());
    EXPECT_TRUE(narrowing.value().restricted());
    EXPECT_TRUE(narrowing.value().none());
    EXPECT_FALSE(narrowing.value().allows("a", "b"));
  }
}

TEST(Narrowing, HasOneKeyForOneChoice) {
  const auto one = Narrowing::parse(with({{"x-sluice-include-servers", "b,a,a"}}));
  const auto same = Narrowing::parse(with({{"x-bf-mcp-include-clients", " a , b "}}));
  const auto other = Narrowing::parse(with({{"x-sluice-include-tools", "a,b"}}));

  EXPECT_EQ(one.value().key(), same.value().key());
  EXPECT_NE(one.value().key(), other.value().key());
}

TEST(Narrowing, RefusesWhatIsAmbiguousOrTooLong) {
  EXPECT_THAT(
      Narrowing::parse(with({{"x-sluice-include-tools", "a"}, {"x-bf-mcp-include-tools", "b"}})),
      HasCode(Code::Invalid)
  );
  EXPECT_THAT(
      Narrowing::parse(with({{"x-sluice-include-tools", "a"}, {"x-sluice-include-tools", "b"}})),
      HasCode(Code::Invalid)
  );
  EXPECT_THAT(
      Narrowing::parse(
          with({{"x-sluice-include-tools", std::string(kNarrowingEntryBytesMax + 1, 'x')}})
      ),
      HasCode(Code::Invalid)
  );
  std::string many;
  for (std::size_t i = 0; i <= kNarrowingEntriesMax; ++i) {
    many += "t" + std::to_string(i) + ",";
  }
  EXPECT_THAT(Narrowing::parse(with({{"x-sluice-include-tools", many}})), HasCode(Code::Invalid));
  EXPECT_THAT(
      Narrowing::parse(
          with({{"x-sluice-include-resources", "a"}, {"x-sluice-include-resources", "b"}})
      ),
      HasCode(Code::Invalid)
  );
}

TEST(Narrowing, TellsListsApartInItsKey) {
  const auto servers = Narrowing::parse(with({{"x-sluice-include-servers", "a,tb"}}));
  const auto both =
      Narrowing::parse(with({{"x-sluice-include-servers", "a"}, {"x-sluice-include-tools", "b"}}));

  EXPECT_NE(servers.value().key(), both.value().key());
}

TEST(Narrowing, OfResourcesLeavesToolsAlone) {
  const auto narrowing = Narrowing::parse(with({{"x-sluice-include-resources", "github"}})).value();

  EXPECT_TRUE(narrowing.restricted());
  EXPECT_TRUE(narrowing.allows("files", "read_file"));
  EXPECT_TRUE(narrowing.allows_resources("github"));
  EXPECT_FALSE(narrowing.allows_resources("files"));
}

TEST(Narrowing, WithinAnotherNeverAllowsWhatOneOfBothDoesNot) {
  const Narrowing outer = Narrowing::of({"github-*", "files-read_file"}, {"github"});

  struct Case {
    http::Headers headers;
    std::set<std::string> tools;
    std::set<std::string> resources;
  };

  const std::vector<Case> cases{
      {{}, {"github-a", "github-b", "files-read_file"}, {"github"}},
      {with({{"x-sluice-include-tools", "*"}}),
       {"github-a", "github-b", "files-read_file"},
       {"github"}},
      {with({{"x-sluice-include-tools", "files-*"}}), {"files-read_file"}, {"github"}},
      {with({{"x-sluice-include-tools", "github-a,other-x"}}), {"github-a"}, {"github"}},
      {with({{"x-sluice-include-tools", ""}}), {}, {"github"}},
      {with({{"x-bf-mcp-include-clients", "files"}}), {"files-read_file"}, {}},
      {with({{"x-sluice-include-servers", "*"}, {"x-bf-mcp-include-tools", "github-b"}}),
       {"github-b"},
       {"github"}},
      {with({{"x-sluice-include-resources", "files,other"}}),
       {"github-a", "github-b", "files-read_file"},
       {}},
  };
  for (const Case& one : cases) {
    const Narrowing inner = Narrowing::parse(one.headers).value();
    http::Headers written = one.headers;
    inner.within(outer).write(&written);
    const Narrowing both = Narrowing::parse(written).value();
    EXPECT_EQ(both.key(), outer.within(inner).key());
    EXPECT_EQ(both.key(), inner.within(outer).key());
    std::set<std::string> tools;
    std::set<std::string> resources;
    for (const auto& [server, tool] : std::vector<std::pair<std::string, std::string>>{
             {"github", "a"},
             {"github", "b"},
             {"files", "read_file"},
             {"files", "write_file"},
             {"other", "x"}
         }) {
      if (both.allows(server, tool)) {
        tools.insert(server + "-" + tool);
      }
      if (both.allows_resources(server)) {
        resources.insert(server);
      }
    }
    EXPECT_EQ(tools, one.tools) << both.key();
    EXPECT_EQ(resources, one.resources) << both.key();
  }
}

TEST(Narrowing, WithinTakesOnlyWholeServersForPatterns) {
  const Narrowing outer = Narrowing::of({"a-b-*"}, {});

  EXPECT_FALSE(Narrowing::of({"a-b-c"}, {}).within(outer).allows("a", "b-c"));
}

}  // namespace
}  // namespace sluice::ingress
