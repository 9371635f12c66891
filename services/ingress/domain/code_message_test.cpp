#include "services/ingress/domain/code_message.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;

codemode::v1::RunFinal returned(const std::string& value) {
  codemode::v1::RunFinal final;
  final.set_outcome(codemode::v1::OUTCOME_OK);
  final.set_value(value);
  return final;
}

codemode::v1::RunProgress line_of(const std::string& text, const std::string& level = "log") {
  codemode::v1::RunProgress line;
  line.set_console(text);
  line.set_level(level);
  return line;
}

TEST(CodeMessage, HoldsTheValueAndTheConsoleApart) {
  ConsoleLines console;
  console.add(line_of("one"));
  console.add(line_of("two \"quoted\"", "error"));

  EXPECT_EQ(
      code_content(returned(R"({"n":1})"), console),
      R"({"result":{"n":1},"console":["one","[error] two \"quoted\""]})"
  );
  EXPECT_EQ(code_content(returned("2"), ConsoleLines()), R"({"result":2})");
}

TEST(CodeMessage, SaysWhenNothingWasReturned) {
  ConsoleLines console;
  console.add(line_of("one"));

  EXPECT_THAT(
      code_content(returned(""), ConsoleLines()),
      ::testing::StartsWith(R"({"result":null,"hint":")")
  );
  EXPECT_EQ(code_content(returned(""), console), R"({"result":null,"console":["one"]})");
}

TEST(CodeMessage, ListsWhatBlocksAScriptWhereItIsMoreThanOneThing) {
  codemode::v1::RunFinal final;
  final.set_outcome(codemode::v1::OUTCOME_TYPE_ERROR);
  final.mutable_error()->set_message("first");
  auto& first = *final.mutable_check()->add_diagnostics();
  first.set_blocks(true);
  first.set_message("first");
  first.set_line(1);
  first.set_column(2);
  EXPECT_EQ(
      code_content(final, ConsoleLines()), R"({"error":{"outcome":"type_error","message":"first"}})"
  );

  auto& second = *final.mutable_check()->add_diagnostics();
  second = first;
  second.set_message("second");
  second.set_hint("write it so");
  final.mutable_check()->add_diagnostics()->set_message("a warning");
  EXPECT_EQ(
      code_content(final, ConsoleLines()),
      R"({"error":{"outcome":"type_error","message":"first"},"diagnostics":[)"
      R"({"line":1,"column":2,"message":"first"},)"
      R"({"line":1,"column":2,"message":"second","hint":"write it so"}]})"
  );
  for (int i = 0; i < 100; ++i) {
    second.set_message(std::string(1'000, 'x'));
    *final.mutable_check()->add_diagnostics() = second;
  }
  EXPECT_LT(code_content(final, ConsoleLines()).size(), kDiagnosticsBytesMax + 1'000);
}

TEST(CodeMessage, NamesTheApprovalAScriptEndedFor) {
  codemode::v1::RunFinal final;
  final.set_outcome(codemode::v1::OUTCOME_APPROVAL_REQUIRED);
  final.mutable_error()->set_message("a call waited too long");
  final.set_approval_id("apr_1");
  EXPECT_EQ(
      code_content(final, ConsoleLines()),
      R"({"error":{"outcome":"approval_required","message":"a call waited too long","approval_id":"apr_1"}})"
  );
}

TEST(CodeMessage, TellsHowAScriptFailedAndWhere) {
  codemode::v1::RunFinal final;
  final.set_outcome(codemode::v1::OUTCOME_SCRIPT_ERROR);
  final.mutable_error()->set_message("x is not defined");
  final.mutable_error()->set_line(3);
  final.mutable_error()->set_column(7);
  final.mutable_error()->set_hint("declare it");

  EXPECT_EQ(
      code_content(final, ConsoleLines()),
      R"({"error":{"outcome":"script_error","message":"x is not defined","line":3,"column":7,"hint":"declare it"}})"
  );
}

TEST(CodeMessage, BoundsTheConsoleAndCountsWhatIsLeftOut) {
  ConsoleLines console;
  for (int i = 0; i < 20; ++i) {
    console.add(line_of(std::string(16 << 10, 'x')));
  }
  auto final = returned("1");
  final.set_console_bytes_dropped(100);

  const auto content = json::parse(code_content(final, console));

  ASSERT_THAT(content, IsOk());
  EXPECT_EQ(content.value().find("console")->as_array()->size(), 16U);
  EXPECT_EQ(content.value().find("console_bytes_dropped")->as_int(), 4 * (16 << 10) + 100);
}

}  // namespace
}  // namespace sluice::ingress
