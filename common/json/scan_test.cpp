#include "common/json/scan.h"

#include "common/json/parse.h"
#include "common/json/test_documents.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::json {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

TEST(Scan, AcceptsEveryGoodValueAsAMember) {
  for (const std::string_view value : testing::kGoodValues) {
    std::string document = testing::as_member(value);

    EXPECT_THAT(Scan::object(document), IsOk()) << document;
  }
}

TEST(Scan, RefusesEveryBadValueAsAMember) {
  for (const std::string_view value : testing::kBadValues) {
    std::string document = testing::as_member(value);
    std::string deeper = "{\"x\": [{\"y\": " + testing::as_member(value) + "}]}";

    EXPECT_THAT(Scan::object(document), HasCode(Code::Invalid)) << document;
    EXPECT_THAT(Scan::object(deeper), HasCode(Code::Invalid)) << deeper;
  }
}

TEST(Scan, RefusesForeignBytes) {
  for (const std::string_view bytes : testing::kBadBytes) {
    std::string in_value = "{\"a\":\"" + std::string(bytes) + "\"}";
    std::string in_key = "{\"" + std::string(bytes) + "\":1}";

    EXPECT_THAT(Scan::object(in_value), HasCode(Code::Invalid));
    EXPECT_THAT(Scan::object(in_key), HasCode(Code::Invalid));
  }
}

TEST(Scan, RefusesWhatIsNoSingleObject) {
  for (const std::string_view text :
       {"",
        " ",
        "[]",
        "1",
        "null",
        "\"a\"",
        "{} {}",
        "{}x",
        "{},",
        "{}1",
        "{\"a\":1}}",
        "{\"a\":1}]",
        "{\"a\":1}\"x\"",
        "\xEF\xBB\xBF{}",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "}"}) {
    std::string document(text);

    EXPECT_THAT(Scan::object(document), HasCode(Code::Invalid)) << text;
  }
}

TEST(Scan, RefusesDuplicateTopLevelKeys) {
  std::string plain = R"({"a":1,"b":2,"a":3})";
  std::string escaped = R"({"a":1,"\u0061":3})";
  std::string nested = R"({"a":{"b":1},"b":{"a":1}})";
  std::string many = "{";
  for (int i = 0; i < 100; ++i) {
    many += "\"k" + std::to_string(i) + "\":0,";
  }
  std::string many_twice = many + "\"k42\":1}";
  many += "\"z\":1}";

  EXPECT_THAT(Scan::object(plain), HasCode(Code::Invalid));
  EXPECT_THAT(Scan::object(escaped), HasCode(Code::Invalid));
  EXPECT_THAT(Scan::object(nested), IsOk());
  EXPECT_THAT(Scan::object(many), IsOk());
  EXPECT_THAT(Scan::object(many_twice), HasCode(Code::Invalid));
}

TEST(Scan, TellsWhereEachMemberStands) {
  std::string document =
      "  { \"a\" : [1, {\"x\": 2} ] ,\n\"b\":\"q\\\"\" , \"c\": -1.5e3 ,\"d\":{ }  }  ";

  const auto scan = Scan::object(document);

  ASSERT_THAT(scan, IsOk());
  ASSERT_EQ(scan.value().fields().size(), 4U);
  EXPECT_EQ(scan.value().raw("a"), "[1, {\"x\": 2} ]");
  EXPECT_EQ(scan.value().raw("b"), "\"q\\\"\"");
  EXPECT_EQ(scan.value().raw("c"), "-1.5e3");
  EXPECT_EQ(scan.value().raw("d"), "{ }");
  EXPECT_EQ(scan.value().raw("e"), "");
  for (const Field& field : scan.value().fields()) {
    EXPECT_EQ(
        document.substr(field.key_begin, field.key.size() + 2), "\"" + std::string(field.key) + "\""
    );
  }
}

TEST(Scan, MembersWithEscapedKeysAreFoundByTheirMeaning) {
  std::string document = R"({"\u0061\"b":1,"\ud83d\ude00":2,"long long long long long \t key":3})";

  auto scan = Scan::object(document);
  ASSERT_THAT(scan, IsOk());
  const Scan moved = std::move(scan).value();

  EXPECT_EQ(moved.raw("a\"b"), "1");
  EXPECT_EQ(moved.raw("\xF0\x9F\x98\x80"), "2");
  EXPECT_EQ(moved.raw("long long long long long \t key"), "3");
}

TEST(Scan, ReadsTypedMembersAndNamesWhatItExpected) {
  std::string document = R"({"s":"a\nb","t":true,"i":12,"f":1.5,"n":null})";
  const auto scan = Scan::object(document);
  ASSERT_THAT(scan, IsOk());
  const Scan& body = scan.value();

  EXPECT_EQ(body.text("s").value(), "a\nb");
  EXPECT_EQ(body.flag_or("t", false).value(), true);
  EXPECT_EQ(body.flag_or("missing", true).value(), true);
  EXPECT_EQ(body.integer("i").value(), 12);
  EXPECT_THAT(body.text("i"), HasCode(Code::Invalid));
  EXPECT_THAT(body.flag_or("n", false), HasCode(Code::Invalid));
  EXPECT_THAT(body.integer("f"), HasCode(Code::Invalid));
  EXPECT_THAT(
      body.text("missing").error().message(), HasSubstr("\"missing\" is missing: send a string")
  );
}

TEST(Scan, BoundsDepthAndMembers) {
  std::string deep = testing::as_member(testing::nested(63));
  std::string too_deep = testing::as_member(testing::nested(64));
  std::string bottomless = testing::as_member(testing::nested(200'000));
  std::string wide = "{";
  for (std::size_t i = 0; i < kScanFieldsMax; ++i) {
    wide += "\"" + std::to_string(i) + "\":0,";
  }
  std::string too_wide = wide + "\"x\":0}";
  wide.back() = '}';

  EXPECT_THAT(Scan::object(deep), IsOk());
  EXPECT_THAT(Scan::object(too_deep), HasCode(Code::Invalid));
  EXPECT_THAT(Scan::object(bottomless), HasCode(Code::Invalid));
  EXPECT_THAT(Scan::object(wide), IsOk());
  EXPECT_THAT(Scan::object(too_wide), HasCode(Code::Invalid));
}

TEST(Scan, ReadsDocumentsLargerThanItsKeptBuffers) {
  std::string document = "{\"text\":\"" + std::string(3'000'000, 'x') + "\",\"last\":1}";

  const auto scan = Scan::object(document);

  ASSERT_THAT(scan, IsOk());
  EXPECT_EQ(scan.value().text("text").value().size(), 3'000'000U);
  EXPECT_EQ(scan.value().integer("last").value(), 1);
}

TEST(Scan, SurvivesEveryCutAndEveryChangedByte) {
  const std::string good =
      R"({"model":"a/b","messages":[{"role":"user","content":"h\u00e9llo \ud83d\ude00"}],"n":-1.5e+3,"t":true})";
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string cut = good.substr(0, i);
    EXPECT_THAT(Scan::object(cut), HasCode(Code::Invalid)) << cut;
    for (const char c : {'"', '\\', '{', ']', ',', '0', '\x80', '\n'}) {
      std::string changed = good;
      changed[i] = c;
      const bool parses = parse(changed).ok();

      EXPECT_EQ(Scan::object(changed).ok(), parses) << changed;
    }
  }
}

TEST(Splice, ReplacesInsertsAndRemoves) {
  const std::string document = R"({"a":1,"b":2})";
  const Splice splices[] = {{1, 1, R"("x":0,)"}, {5, 6, "[10]"}, {6, 12, ""}};

  const std::string made = splice(document, splices);

  EXPECT_EQ(made, R"({"x":0,"a":[10]})");
  EXPECT_GE(made.capacity(), made.size() + kScanPadding);
  EXPECT_EQ(splice(document, {}), document);
}

TEST(Splice, EditsWhatAScanFound) {
  std::string document = R"({"model":"demo/assistant","stream":false,"n":1})";
  const auto scan = Scan::object(document);
  ASSERT_THAT(scan, IsOk());
  const Field* const model = scan.value().find("model");
  const Field* const stream = scan.value().find("stream");
  const Splice splices[] = {
      {model->value_begin, model->value_end, "\"assistant\""},
      {stream->value_begin, stream->value_end, "true"}
  };

  EXPECT_EQ(splice(document, splices), R"({"model":"assistant","stream":true,"n":1})");
}

}  // namespace
}  // namespace sluice::json
