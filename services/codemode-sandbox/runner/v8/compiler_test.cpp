#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class CompilerChild : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    zygote_ = std::make_unique<ZygoteProcess>([] { return warm_compiler(SLUICE_COMPILER_JS); });
  }

  static void TearDownTestSuite() { zygote_.reset(); }

  static Ran compile(std::string source) {
    wire::ToChild message;
    message.mutable_compile()->set_source(std::move(source));
    return zygote_->run(message, milliseconds(5'000));
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

TEST(WarmCompiler, SaysWhatIsMissing) {
  const auto warm = warm_compiler("/nowhere/compiler.js");

  ASSERT_FALSE(warm.ok());
  EXPECT_EQ(warm.error().code(), Code::NotFound);
}

}  // namespace
}  // namespace sluice::codemode_runner
