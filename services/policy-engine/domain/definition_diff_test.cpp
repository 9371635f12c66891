#include "services/policy-engine/domain/definition_diff.h"

#include "services/policy-engine/limits.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// "<pointer>: <pinned> -> <offered>"
std::vector<std::string> lines(std::string_view pinned, std::string_view offered) {
  std::vector<std::string> out;
  const DefinitionDiff diff = diff_of(pinned, offered).value();
  for (const auto& one : diff.differences) {
    out.push_back(one.pointer() + ": " + one.pinned() + " -> " + one.offered());
  }
  return out;
}

TEST(DefinitionDiff, NamesWhatIsDifferentByPointer) {
  EXPECT_THAT(
      lines(
          R"({"name":"a","description":"Reads","x":{"a/b":[1,{"c":true},3]},"gone":null})",
          R"({"name":"a","description":"Writes","x":{"a/b":[1,{"c":false}]},"new":[]})"
      ),
      ElementsAre(
          R"(/description: "Reads" -> "Writes")",
          "/x/a~1b/1/c: true -> false",
          "/x/a~1b/2: 3 -> ",
          "/new:  -> []",
          "/gone: null -> "
      )
  );
}

TEST(DefinitionDiff, SaysNothingOfOtherSpellings) {
  EXPECT_THAT(lines(R"({"a":1,"b":"é"})", "{\"b\":\"\\u00e9\", \"a\":1.0}"), IsEmpty());
}

TEST(DefinitionDiff, ShowsATypeThatChanged) {
  EXPECT_THAT(
      lines(R"({"a":{"b":1},"c":"1"})", R"({"a":[1],"c":1})"),
      ElementsAre(R"(/a: {"b":1} -> [1])", R"(/c: "1" -> 1)")
  );
}

TEST(DefinitionDiff, ShowsWhatIsHidden) {
  EXPECT_THAT(
      lines(
          R"({"d":"Reads"})",
          "{\"d\":\"Reads\u200b\u202e\u00a0\U000e0041\u3164\ufe0f é日🙂\",\"k\u200b\":\"\"}"
      ),
      ElementsAre(
          R"(/d: "Reads" -> "Reads\u200b\u202e\u00a0\udb40\udc41\u3164\ufe0f é日🙂")",
          R"(/k\u200b:  -> "")"
      )
  );
}

TEST(DefinitionDiff, ShowsLongTextsWhereTheyDiffer) {
  const std::string start(50'000, 'a');

  const auto diff =
      diff_of("{\"d\":\"" + start + "\"}", "{\"d\":\"" + start + "!" + start + "\"}").value();

  ASSERT_EQ(diff.differences.size(), 1U);
  EXPECT_THAT(diff.differences[0].offered(), StartsWith("\"… aaa"));
  EXPECT_THAT(diff.differences[0].offered(), HasSubstr("a!a"));
  EXPECT_THAT(diff.differences[0].offered(), HasSubstr("of 100001)"));
  EXPECT_LT(diff.differences[0].offered().size(), 2 * kDifferenceBytesMax);
  EXPECT_THAT(diff.differences[0].pinned(), Not(HasSubstr("!")));
}

TEST(DefinitionDiff, TakesADefinitionThatIsNewMemberByMember) {
  EXPECT_THAT(lines("", R"({"name":"a"})"), ElementsAre(R"(:  -> {"name":"a"})"));

  const std::string large(kDifferenceBytesMax, 'a');
  EXPECT_THAT(
      lines("", R"({"name":"a","d":")" + large + "\"}"),
      ElementsAre(R"(/name:  -> "a")", StartsWith("/d:  -> \"aaa"))
  );
}

TEST(DefinitionDiff, IsBounded) {
  std::string many = "[0";
  for (std::size_t i = 0; i < kDifferencesMax + 41; ++i) {
    many += ",1";
  }
  const auto diff = diff_of(R"({"a":[0]})", "{\"a\":" + many + "]}").value();

  EXPECT_EQ(diff.differences.size(), kDifferencesMax);
  EXPECT_EQ(diff.more, 41U);
  EXPECT_THAT(
      diff_of("{}", "\"" + std::string(kDiffedDefinitionBytesMax, 'a') + "\""),
      HasCode(Code::Invalid)
  );
}

}  // namespace
}  // namespace sluice::policy_engine
