#include "services/audit-writer/domain/record_columns.h"

#include "services/audit-writer/testing/builders.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::audit_writer {
namespace {

std::string column(const std::vector<ColumnArray>& arrays, std::string_view name) {
  const auto found = std::find_if(arrays.begin(), arrays.end(), [name](const ColumnArray& array) {
    return array.name == name;
  });
  return found == arrays.end() ? "no such column" : found->literal;
}

TEST(ArrayLiteral, QuotesEverythingThatCouldEndAnElement) {
  ArrayLiteral literal;
  literal.add(R"(a"b\c,{}')");
  literal.add("");
  literal.add("NULL");
  literal.add_null();
  literal.add_number(-5);
  literal.add_bytes(std::string("\x00\xFF", 2));

  EXPECT_EQ(literal.take(), R"({"a\"b\\c,{}'","","NULL",NULL,-5,"\\x00ff"})");
  EXPECT_EQ(literal.take(), "{}") << "a taken literal starts again";
}

TEST(ArrayLiteral, ReplacesTheZeroByteThatTextCannotHold) {
  ArrayLiteral literal;
  literal.add(std::string("a\0b", 3));

  EXPECT_EQ(
      literal.take(),
      "{\"a\xEF\xBF\xBD"
      "b\"}"
  );
}

TEST(RecordColumns, OneElementPerRecordInEveryColumn) {
  audit::v1::Record first = test_record("chat.request", 1);
  first.set_model("gpt");
  first.set_outcome(audit::v1::OUTCOME_DONE);
  first.set_grant_id("\x01\x02");
  const auto one = store_form(first.SerializeAsString());
  const auto two = store_form(test_record("chat.answer", 2).SerializeAsString());
  ASSERT_TRUE(one.ok() && two.ok());
  const std::vector<const StoredRecord*> records{&one.value(), &two.value()};

  const auto arrays = record_columns(records);

  EXPECT_EQ(column(arrays, "action"), R"({"chat.request","chat.answer"})");
  EXPECT_EQ(column(arrays, "model"), R"({"gpt",NULL})");
  EXPECT_EQ(column(arrays, "outcome"), R"({"done",NULL})");
  EXPECT_EQ(column(arrays, "grant_id"), R"({"\\x0102",NULL})");
  EXPECT_EQ(column(arrays, "sequence"), "{1,2}");
  EXPECT_EQ(column(arrays, "deadline_at"), "{NULL,NULL}");
  EXPECT_EQ(arrays.size(), 47U);
}

TEST(FitsText, IsUtf8WithoutTheZeroByte) {
  EXPECT_TRUE(fits_text("\xC3\xA9"));
  EXPECT_FALSE(fits_text(std::string("a\0", 2)));
  EXPECT_FALSE(fits_text("\xFF"));
}

}  // namespace
}  // namespace sluice::audit_writer
