#include "services/codemode-sandbox/runner/supervisor/message_check.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

using ::testing::HasSubstr;

wire::Limits limits() {
  wire::Limits limits;
  limits.set_wall_ms(1'000);
  limits.set_cpu_ms(1'000);
  limits.set_heap_bytes(64 << 20);
  limits.set_console_bytes(1'000);
  limits.set_calls_max(2);
  limits.set_value_bytes(10);
  return limits;
}

wire::Run run() {
  wire::Run run;
  run.set_run_id("run_1");
  run.set_source("return 1");
  wire::Namespace& one = *run.add_namespaces();
  one.set_name("github");
  one.add_functions("search");
  *run.mutable_limits() = limits();
  return run;
}

wire::ToolCall call(std::uint32_t id) {
  wire::ToolCall call;
  call.set_call_id(id);
  call.set_server("github");
  call.set_function("search");
  call.set_arguments("{}");
  return call;
}

wire::Console line(std::string text) {
  wire::Console line;
  line.set_level("log");
  line.set_text(std::move(text));
  return line;
}

TEST(MessageCheck, AnOrdinaryRunIsWithinBounds) {
  EXPECT_EQ(fault_of(run()), "");
}

TEST(MessageCheck, RefusesARunOverAnyBound) {
  wire::Run long_source = run();
  long_source.set_source(std::string(kSourceBytesMax + 1, ' '));
  EXPECT_THAT(fault_of(long_source), HasSubstr("64 KiB"));

  wire::Run long_declarations = run();
  long_declarations.set_declarations(std::string(kDeclarationsBytesMax + 1, ' '));
  EXPECT_THAT(fault_of(long_declarations), HasSubstr("1 MiB"));

  wire::Run no_id = run();
  no_id.clear_run_id();
  EXPECT_THAT(fault_of(no_id), HasSubstr("run id"));

  wire::Run no_limits = run();
  no_limits.clear_limits();
  EXPECT_THAT(fault_of(no_limits), HasSubstr("limits"));

  wire::Run wide = run();
  wide.mutable_limits()->set_value_bytes(kValueBytesMax + 1);
  EXPECT_THAT(fault_of(wide), HasSubstr("limits"));

  wire::Run long_name = run();
  long_name.mutable_namespaces(0)->add_functions(std::string(kNameBytesMax + 1, 'x'));
  EXPECT_THAT(fault_of(long_name), HasSubstr("name"));

  wire::Run many = run();
  for (std::size_t i = 0; i < kFunctionsMax; ++i) {
    many.mutable_namespaces(0)->add_functions("f");
  }
  EXPECT_THAT(fault_of(many), HasSubstr("tools"));
}

TEST(MessageCheck, RefusesACompiledScriptThatGrew) {
  wire::Compiled compiled;
  compiled.set_javascript(std::string(kJavascriptBytesMax, ' '));
  EXPECT_EQ(fault_of(compiled), "");

  compiled.mutable_javascript()->push_back(' ');
  EXPECT_THAT(fault_of(compiled), HasSubstr("too long"));
}

TEST(MessageCheck, RefusesACheckOverAnyBound) {
  wire::Compiled long_message;
  long_message.mutable_check()->add_diagnostics()->set_message(
      std::string(kCheckTextBytesMax + 1, ' ')
  );
  EXPECT_THAT(fault_of(long_message), HasSubstr("diagnostic"));

  wire::Compiled long_excerpt;
  long_excerpt.mutable_check()->add_escapes()->set_excerpt(std::string(kExcerptBytesMax + 1, ' '));
  EXPECT_THAT(fault_of(long_excerpt), HasSubstr("escape"));

  wire::Compiled no_tool;
  no_tool.mutable_check()->add_calls()->set_server("github");
  EXPECT_THAT(fault_of(no_tool), HasSubstr("listed call"));

  wire::Compiled many;
  for (int i = 0; i <= kDiagnosticsMax; ++i) {
    many.mutable_check()->add_escapes();
  }
  EXPECT_THAT(fault_of(many), HasSubstr("too much"));
}

TEST(ExecutorCheck, CountsCalls) {
  ExecutorCheck check(limits());

  EXPECT_EQ(check.fault_of(call(1)), "");
  EXPECT_EQ(check.fault_of(call(2)), "");
  EXPECT_THAT(check.fault_of(call(3)), HasSubstr("more calls"));
  EXPECT_EQ(check.calls(), 2U);
}

TEST(ExecutorCheck, RefusesCallsOutOfOrder) {
  ExecutorCheck check(limits());

  EXPECT_THAT(check.fault_of(call(2)), HasSubstr("numbered"));
  EXPECT_THAT(check.fault_of(call(0)), HasSubstr("numbered"));
}

TEST(ExecutorCheck, RefusesLongArgumentsAndNames) {
  ExecutorCheck check(limits());
  wire::ToolCall long_arguments = call(1);
  long_arguments.set_arguments(std::string(kArgumentsBytesMax + 1, ' '));
  wire::ToolCall no_server = call(1);
  no_server.clear_server();

  EXPECT_THAT(check.fault_of(long_arguments), HasSubstr("arguments"));
  EXPECT_THAT(check.fault_of(no_server), HasSubstr("name"));
}

TEST(ExecutorCheck, CountsTheConsole) {
  ExecutorCheck check(limits());
  std::size_t lines = 0;
  while (check.fault_of(line(std::string(1'000, 'x'))).empty()) {
    ASSERT_LT(++lines, 1'000U);
  }

  EXPECT_GE(lines, 1U);  // what was allowed passes
}

TEST(ExecutorCheck, EmptyLinesAreCountedToo) {
  ExecutorCheck check(limits());
  std::size_t lines = 0;
  while (check.fault_of(line("")).empty()) {
    ASSERT_LE(++lines, kConsoleBytesMax);
  }

  EXPECT_EQ(lines, kConsoleBytesMax);
}

TEST(ExecutorCheck, RefusesForeignLevelsAndLongLines) {
  ExecutorCheck check(limits());
  wire::Console foreign = line("x");
  foreign.set_level("fatal");

  EXPECT_THAT(check.fault_of(foreign), HasSubstr("level"));
  EXPECT_THAT(check.fault_of(line(std::string(kConsoleLineBytesMax + 1, 'x'))), HasSubstr("long"));
}

TEST(ExecutorCheck, AChildTellsOnlyItsOwnOutcomes) {
  const ExecutorCheck check(limits());
  wire::Finished finished;
  finished.set_outcome(codemode::v1::OUTCOME_OK);
  finished.set_value("1");
  EXPECT_EQ(check.fault_of(finished), "");

  finished.set_outcome(codemode::v1::OUTCOME_DENIED);
  EXPECT_THAT(check.fault_of(finished), HasSubstr("outcome"));
  finished.set_outcome(codemode::v1::OUTCOME_UNSPECIFIED);
  EXPECT_THAT(check.fault_of(finished), HasSubstr("outcome"));
}

TEST(ExecutorCheck, RefusesALongValueOrError) {
  const ExecutorCheck check(limits());
  wire::Finished long_value;
  long_value.set_outcome(codemode::v1::OUTCOME_OK);
  long_value.set_value(std::string(11, '1'));
  wire::Finished long_error;
  long_error.set_outcome(codemode::v1::OUTCOME_SCRIPT_ERROR);
  long_error.mutable_error()->set_stack(std::string(kErrorStackBytesMax + 1, 'x'));

  EXPECT_THAT(check.fault_of(long_value), HasSubstr("value"));
  EXPECT_THAT(check.fault_of(long_error), HasSubstr("error"));
}

}  // namespace
}  // namespace sluice::codemode_runner
