#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/wait.h>

namespace sluice::codemode_runner {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// As the supervisor gives it.
constexpr milliseconds kCompileTime(2'000);

constexpr const char* kDeclarations =
    "declare const youtube: { search(args: { query: string }): Promise<any> };";

class CompilerChild : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    zygote_ = std::make_unique<ZygoteProcess>([] { return warm_compiler(SLUICE_COMPILER_JS); });
  }

  static void TearDownTestSuite() { zygote_.reset(); }

  static Ran compile(std::string source, const std::string& declarations = "") {
    wire::ToChild message;
    message.mutable_compile()->set_source(std::move(source));
    message.mutable_compile()->set_declarations(declarations);
    return zygote_->run(message, kCompileTime);
  }

 private:
  static std::unique_ptr<ZygoteProcess> zygote_;
};

std::unique_ptr<ZygoteProcess> CompilerChild::zygote_;

TEST_F(CompilerChild, BlanksTypesAndKeepsLinesAndColumns) {
  const Ran ran =
      compile("const a: number = 1 as number;\ninterface I { x: string }\nreturn await f<I>(a!)");

  EXPECT_TRUE(ran.said_it_itself) << ran.finished.DebugString();
  EXPECT_FALSE(ran.compiled.has_error()) << ran.compiled.DebugString();
  EXPECT_EQ(
      ran.compiled.javascript(),
      "const a         = 1          ;\n                         \nreturn await f   (a )"
  );
}

TEST_F(CompilerChild, TellsPlaceAndHintOfWrongSyntax) {
  const Ran ran = compile("const a = 1;\nlet b: = 2");
  const Ran first_line = compile("let b: = 2");

  EXPECT_EQ(ran.compiled.error().message(), "Type expected.");
  EXPECT_EQ(ran.compiled.error().line(), 2U);
  EXPECT_EQ(ran.compiled.error().column(), 8U);
  EXPECT_FALSE(ran.compiled.error().hint().empty());
  EXPECT_EQ(first_line.compiled.error().line(), 1U);
  EXPECT_EQ(first_line.compiled.error().column(), 8U);
}

TEST_F(CompilerChild, RefusesSyntaxThatIsMoreThanTypes) {
  for (const char* source :
       {"enum E { A }",
        "namespace N { export const a = 1 }",
        "class A { constructor(private x: number) {} }",
        "import x from 'y'",
        "export const a = 1",
        "return <any>a",
        "}); (async function () {"}) {
    const Ran ran = compile(source);

    EXPECT_FALSE(ran.compiled.error().message().empty()) << source;
    EXPECT_FALSE(ran.compiled.error().hint().empty()) << source;
    EXPECT_EQ(ran.compiled.error().line(), 1U) << source;
    EXPECT_EQ(ran.compiled.javascript(), "") << source;
  }
}

TEST_F(CompilerChild, SurvivesNestingAndSize) {
  const Ran nested = compile(std::string(20'000, '('));
  std::string sum = "1";
  for (int i = 0; i < 30'000; ++i) {
    sum += "+1";
  }
  const Ran long_sum = compile("return " + sum);
  const Ran large = compile("//" + std::string(std::size_t{64} << 10, 'x'));

  EXPECT_THAT(nested.compiled.error().message(), HasSubstr("nested too deeply"));
  EXPECT_TRUE(long_sum.said_it_itself);
  EXPECT_THAT(large.compiled.error().message(), HasSubstr("64 KiB"));
  EXPECT_EQ(compile("return 1").compiled.javascript(), "return 1");
}

TEST_F(CompilerChild, ChecksAgainstDeclarationsInItsJail) {
  const Ran good = compile("return await youtube.search({ query: 'a' })", kDeclarations);
  const Ran wrong = compile("return await youtube.search({ query: 1 })", kDeclarations);

  EXPECT_EQ(good.compiled.javascript(), "return await youtube.search({ query: 'a' })")
      << good.compiled.DebugString() << good.finished.DebugString();
  ASSERT_EQ(good.compiled.check().calls_size(), 1);
  EXPECT_EQ(good.compiled.check().calls(0).tool(), "search");
  EXPECT_THAT(wrong.compiled.error().message(), HasSubstr("not assignable"));
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

// What would keep the compiler for ever or take all its memory, by name.
std::vector<std::pair<const char*, std::string>> attacks_on_the_compiler() {
  const std::string digits = R"("0"|"1"|"2"|"3"|"4"|"5"|"6"|"7"|"8"|"9")";
  return {
      {"LongSum", "return 1" + repeated("+1", 32'000)},
      {"LongSumOfTexts", "return 'a'" + repeated("+'a'", 15'000)},
      {"LongChainOfCalls", "return a" + repeated(".b()", 15'000)},
      {"LongChainOfConditions", "return " + repeated("1?2:", 15'000) + "3"},
      {"LongChainOfElse", repeated("if(1){}else ", 5'000) + ";"},
      {"Parentheses", "return " + std::string(20'000, '(') + "1" + std::string(20'000, ')')},
      {"NestedArrays", "return " + std::string(3'000, '[') + std::string(3'000, ']')},
      {"NestedObjects", "return " + repeated("{a:", 10'000) + "1" + std::string(10'000, '}')},
      {"NestedFunctions", repeated("(()=>", 8'000) + "1" + repeated(")", 8'000)},
      {"NestedBlocks", std::string(30'000, '{') + std::string(30'000, '}')},
      {"NestedTypes", "let a: " + std::string(20'000, '[') + std::string(20'000, ']')},
      {"NestedTemplates", "return " + repeated("`${", 12'000) + "1" + repeated("}`", 12'000)},
      {"RecursiveConditionalType",
       "type R<N extends number, A extends unknown[] = []> = A['length'] extends N ? A : R<N, "
       "[...A, "
       "1]>;\nlet a : R<9999>;\nreturn a "},
      {"RecursiveTypesOfTypes",
       "type F<T> = { a: F<[T, T]>; b: F<{ x: T }> };\nlet a : F<1>;\nlet b : F<2> = a;\nreturn b "
      },
      {"TemplateLiteralUnion",
       "type D = " + digits +
           ";\ntype N = `${D} ${D} ${D} ${D} ${D} $ {\nD\n}\n`;\nlet a : N = 'x';\nreturn a "},
      {"ExponentialTuples",
       "type T0 = [1];\n" +
           [] {
             std::string types;
             for (int i = 1; i < 40; ++i) {
               const std::string before = "T" + std::to_string(i - 1);
               types +=
                   "type T" + std::to_string(i) + " = [..." + before + ", ..." + before + "];\n";
             }
             return types;
           }() +
           "let a: T39; return a"},
      {"ManyNames",
       [] {
         std::string names;
         for (int i = 0; i < 4'000; ++i) {
           names += "let a" + std::to_string(i) + "=y;";
         }
         return names;
       }()},
      {"ManyUsesOfAServer", repeated("youtube;", 7'500)},
      {"ManyCalls", repeated("youtube.search({query:''});", 2'300)},
      {"ManyAliases",
       [] {
         std::string aliases = "const a0=youtube;";
         for (int i = 1; i < 2'500; ++i) {
           aliases += "const a" + std::to_string(i) + "=a" + std::to_string(i - 1) + ";";
         }
         return aliases;
       }()},
      {"ManyComments", repeated("//@ts-ignore\n", 4'000)},
      {"ManyUnionMembers",
       "type U = " + repeated("{a:1}|", 8'000) + "1;\nlet a : U = {a : 2};\nreturn a "},
      {"NumbersAndTexts", "return '" + std::string(65'000, 'x') + "'"},
  };
}

// Each ends in time: told by the child itself, or its process with the memory or time it may
// have.
TEST_F(CompilerChild, SurvivesAttacksOnTheCompiler) {
  int told = 0;
  int ended = 0;
  for (const auto& [name, source] : attacks_on_the_compiler()) {
    ASSERT_LE(source.size(), std::size_t{64} << 10) << name;
    const Ran ran = compile(source, kDeclarations);

    EXPECT_LE(ran.wall, kCompileTime + milliseconds(1'000)) << name;
    (ran.said_it_itself ? told : ended) += 1;
    if (ran.said_it_itself) {
      EXPECT_NE(ran.compiled.has_error(), !ran.compiled.javascript().empty()) << name;
    } else {
      const auto outcome = ran.finished.outcome();
      EXPECT_TRUE(
          outcome == codemode::v1::OUTCOME_TIMEOUT || outcome == codemode::v1::OUTCOME_MEMORY ||
          outcome == codemode::v1::OUTCOME_KILLED
      ) << name
        << ran.finished.DebugString();
      EXPECT_NE(WTERMSIG(ran.wait_status), SIGSYS) << name;
    }
    std::fprintf(
        stdout,
        "  %s: %lld ms, %s\n",
        name,
        static_cast<long long>(ran.wall.count()),
        ran.said_it_itself
            ? (ran.compiled.has_error() ? ran.compiled.error().message().c_str() : "compiled")
            : ran.finished.error().message().c_str()
    );
  }
  EXPECT_GE(told, 15);
  EXPECT_EQ(compile("return 1", kDeclarations).compiled.javascript(), "return 1");
}

TEST(WarmCompiler, SaysWhatIsMissing) {
  const auto warm = warm_compiler("/nowhere/compiler.js");

  ASSERT_FALSE(warm.ok());
  EXPECT_EQ(warm.error().code(), Code::NotFound);
}

}  // namespace
}  // namespace sluice::codemode_runner
