// The checker over scripts that are data, in one process and without a jail:
// runner/typescript/cases.
#include "services/codemode-sandbox/runner/v8/testing/case_file.h"
#include "services/codemode-sandbox/runner/v8/typescript_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace sluice::codemode_runner {
namespace {

using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kDigest(32, 'd');

class CheckerCases : public ::testing::Test {
 protected:
  // V8 starts once in a process, so the checker is that of every test here, and never ends.
  static void SetUpTestSuite() {
    if (checker_ == nullptr) {
      checker_ = std::make_unique<TypescriptChecker>(std::size_t{320} << 20).release();
      ASSERT_TRUE(checker_->load(read_whole(SLUICE_COMPILER_JS)).ok());
      declarations_ = read_whole(std::string(SLUICE_CASES) + "/tools.d.ts");
      ASSERT_THAT(declarations_, Not(IsEmpty()));
      checker_->prepare(kDigest, declarations_);
    }
  }

  static wire::Compiled check(const std::string& source) {
    wire::Compile script;
    script.set_source(source);
    script.set_declarations(declarations_);
    script.set_declarations_digest(kDigest);
    const auto begin = std::chrono::steady_clock::now();
    wire::Compiled compiled = checker_->compile(script);
    times_.push_back(std::chrono::steady_clock::now() - begin);
    return compiled;
  }

  static void print_times(const char* what, std::size_t count) {
    std::sort(times_.begin(), times_.end());
    const auto ms = [](std::size_t at) {
      return std::chrono::duration<double, std::milli>(times_[at]).count();
    };
    std::fprintf(
        stdout,
        "%s: %zu; check p50 %.1f ms, p99 %.1f ms\n",
        what,
        count,
        ms(times_.size() / 2),
        ms(times_.size() * 99 / 100)
    );
    times_.clear();
  }

  static TypescriptChecker* checker_;
  static std::string declarations_;
  static std::vector<std::chrono::steady_clock::duration> times_;
};

TypescriptChecker* CheckerCases::checker_ = nullptr;
std::string CheckerCases::declarations_;
std::vector<std::chrono::steady_clock::duration> CheckerCases::times_;

TEST_F(CheckerCases, ValidScriptsPassWithoutAnEscapeAndRunAsTheyAre) {
  std::size_t count = 0;
  for (const auto& [name, path] : case_files(SLUICE_CASES, "valid_")) {
    for (const ScriptCase& one : read_cases(path)) {
      const wire::Compiled compiled = check(one.source);

      EXPECT_FALSE(compiled.has_error()) << name << ": " << one.name << "\n"
                                         << compiled.DebugString();
      EXPECT_EQ(compiled.check().escapes_size(), 0) << name << ": " << one.name;
      EXPECT_EQ(compiled.javascript().size(), one.source.size()) << name << ": " << one.name;
      ++count;
    }
  }
  EXPECT_GE(count, 100U);
  print_times("valid scripts", count);
}

TEST_F(CheckerCases, WrongScriptsAreRefusedWithPlaceAndHint) {
  const auto classes = case_files(SLUICE_CASES, "wrong_");
  std::size_t count = 0;
  for (const auto& [name, path] : classes) {
    for (const ScriptCase& one : read_cases(path)) {
      const wire::Compiled compiled = check(one.source);

      const std::string which = name + ": " + one.name + "\n" + compiled.ShortDebugString();
      EXPECT_TRUE(compiled.has_error()) << which;
      EXPECT_EQ(compiled.javascript(), "") << which;
      EXPECT_EQ("line " + std::to_string(compiled.error().line()), one.expected) << which;
      EXPECT_GE(compiled.error().column(), 1U) << which;
      EXPECT_FALSE(compiled.error().message().empty()) << which;
      ASSERT_GE(compiled.check().diagnostics_size(), 1) << which;
      EXPECT_TRUE(compiled.check().diagnostics(0).blocks()) << which;
      ++count;
    }
  }
  EXPECT_GE(count, 60U);
  EXPECT_THAT(classes, SizeIs(Ge(12U)));
  print_times("wrong scripts", count);
}

std::string listed(const codemode::v1::Check& check) {
  std::ostringstream text;
  text << "calls ";
  for (const auto& call : check.calls()) {
    text << (&call == &check.calls(0) ? "" : ", ") << call.server() << "." << call.tool() << "@"
         << call.line() << (call.in_function() ? " in function" : "")
         << (call.in_loop() ? " in loop" : "");
  }
  std::set<std::uint32_t> lines;
  for (const auto& escape : check.escapes()) {
    EXPECT_FALSE(escape.reason().empty() || escape.hint().empty()) << escape.DebugString();
    lines.insert(escape.line());
  }
  text << (check.calls().empty() ? "none" : "") << "; escapes";
  for (const std::uint32_t line : lines) {
    text << " " << line;
  }
  text << (lines.empty() ? " none" : "");
  return text.str();
}

TEST_F(CheckerCases, CallsAndEscapesAreThoseOfTheCases) {
  std::size_t count = 0;
  for (const auto& [name, path] : case_files(SLUICE_CASES, "calls_")) {
    for (const ScriptCase& one : read_cases(path)) {
      EXPECT_EQ(listed(check(one.source).check()), one.expected) << name << ": " << one.name;
      ++count;
    }
  }
  EXPECT_GE(count, 30U);
  print_times("call sets", count);
}

TEST_F(CheckerCases, HintsSayWhatToWrite) {
  const wire::Compiled tool = check("return await youtube.serch({ query: 'a' })");
  const wire::Compiled field = check("return await youtube.search({ query: 'a', maxResult: 1 })");
  const wire::Compiled await = check("const r = youtube.search({ query: 'a' });\nreturn r.items");
  const wire::Compiled missing = check("return await youtube.search({})");

  EXPECT_EQ(tool.error().hint(), "write search");
  EXPECT_EQ(tool.error().excerpt(), "return await youtube.serch({ query: 'a' })");
  EXPECT_EQ(tool.error().column(), 22U);
  EXPECT_THAT(field.error().hint(), HasSubstr("maxResults"));
  EXPECT_THAT(await.error().hint(), HasSubstr("await"));
  EXPECT_THAT(missing.error().hint(), HasSubstr("youtube.search takes { query: string;"));
}

TEST_F(CheckerCases, WarningsComeWithTheJavascript) {
  const wire::Compiled compiled = check(
      "const issues = await github.list_issues({ owner: 'o', repo: 'r' });\n"
      "return issues[0].body.length;"
  );

  EXPECT_FALSE(compiled.has_error());
  ASSERT_EQ(compiled.check().diagnostics_size(), 1);
  EXPECT_FALSE(compiled.check().diagnostics(0).blocks());
  EXPECT_EQ(compiled.check().diagnostics(0).line(), 2U);
  EXPECT_GT(compiled.check().diagnostics(0).code(), 0U);
}

TEST_F(CheckerCases, EveryListHasAnEnd) {
  std::string calls;
  std::string faults;
  for (int i = 0; i < 300; ++i) {
    calls += "await youtube.get({ id: '1' });\n";
    faults += "await youtube.no" + std::to_string(i) + "();\n";
  }
  const wire::Compiled many = check(calls);
  const wire::Compiled wrong = check("const a: string = null as string | null;\n" + faults);

  EXPECT_EQ(many.check().calls_size(), 256);
  ASSERT_EQ(many.check().escapes_size(), 1);
  EXPECT_THAT(many.check().escapes(0).reason(), HasSubstr("too many to list"));
  EXPECT_EQ(wrong.check().diagnostics_size(), 20);
  EXPECT_TRUE(wrong.check().diagnostics(19).blocks());
  EXPECT_EQ(wrong.error().line(), 2U);
}

TEST_F(CheckerCases, DeclarationsThatWereNotPreparedAreReadFromTheScript) {
  wire::Compile script;
  script.set_source("return [await own.tool({ a: 1 }), await own.other({})]");
  script.set_declarations("declare const own: { tool(args: { a: number }): Promise<any> };");
  script.set_declarations_digest(std::string(32, 'o'));
  const wire::Compiled compiled = checker_->compile(script);

  EXPECT_THAT(compiled.error().message(), HasSubstr("own has no tool 'other'"));
  ASSERT_EQ(compiled.check().calls_size(), 1);
  EXPECT_EQ(compiled.check().calls(0).server(), "own");
}

TEST_F(CheckerCases, ManyDeclarationsOneAfterTheOtherAreKeptForAWhile) {
  for (char c = 'e'; c < 'e' + 12; ++c) {
    const std::string digest(32, c);
    const std::string text =
        "declare const s: { " + std::string(1, c) + "(args?: any): Promise<any> };";
    checker_->prepare(digest, text);
    wire::Compile script;
    script.set_source("return await s." + std::string(1, c) + "()");
    script.set_declarations(text);
    script.set_declarations_digest(digest);

    EXPECT_FALSE(checker_->compile(script).has_error()) << c;
  }
}

TEST_F(CheckerCases, WithoutDeclarationsSyntaxAloneIsChecked) {
  wire::Compile script;
  script.set_source("return whatever.is(there as any)");

  EXPECT_EQ(checker_->compile(script).javascript(), "return whatever.is(there       )");
}

}  // namespace
}  // namespace sluice::codemode_runner
