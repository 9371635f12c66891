#include "services/codemode-sandbox/domain/run_document.h"

#include "services/codemode-sandbox/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace sluice::codemode_sandbox {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kNow = 1'800'000'000'000;

std::unique_ptr<RunScope> scope() {
  auto made = std::make_unique<RunScope>();
  made->context.run = RunId("run_1");
  made->context.chain = ChainId("c1");
  made->context.request = RequestId("req_1");
  made->caller.set_tenant("default");
  made->caller.set_principal("key:k1");
  made->tool_call_id = "call_1";
  made->source = "return await files.read_file({path: \"/a\"})";
  made->source_digest = crypto::sha256(made->source);
  return made;
}

json::Value parsed(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value.ok()) << text.substr(0, 2'000);
  return value.ok() ? std::move(value).value() : json::Value();
}

std::string at(const json::Value& value, std::string_view key) {
  const json::Value* const member = value.find(key);
  return member == nullptr ? "absent" : json::write(*member);
}

codemode::v1::RunFinal final_of(codemode::v1::Outcome outcome) {
  codemode::v1::RunFinal made;
  made.set_outcome(outcome);
  made.set_run_id("run_1");
  made.set_duration_ms(12);
  return made;
}

RunCallStart call(std::uint32_t id, std::string arguments = R"({"path":"/a"})") {
  return {
      .call_id = id,
      .server = "files",
      .tool = "read_file",
      .call_site = "1:8",
      .arguments = std::move(arguments)
  };
}

TEST(RunDocument, GoesFromCheckingToRunningToItsOutcome) {
  RunDocument run(*scope(), kNow);
  EXPECT_EQ(run.state(), "checking");
  EXPECT_FALSE(run.has_ended());
  run.checked({}, {});
  EXPECT_EQ(run.state(), "running");
  run.parked("apr_1");
  EXPECT_EQ(run.state(), "parked");
  EXPECT_EQ(at(parsed(run.summary(kNow)), "approval_id"), R"("apr_1")");
  run.parked("");
  EXPECT_EQ(run.state(), "running");
  EXPECT_EQ(at(parsed(run.summary(kNow)), "approval_id"), "absent");

  run.finished(final_of(codemode::v1::OUTCOME_OK), kNow + 12);

  EXPECT_EQ(run.state(), "ok");
  EXPECT_TRUE(run.has_ended());
  run.parked("apr_2");
  EXPECT_EQ(run.state(), "ok");
  const json::Value short_form = parsed(run.summary(kNow + 20));
  EXPECT_EQ(at(short_form, "started_unix_ms"), "1800000000000");
  EXPECT_EQ(at(short_form, "ended_unix_ms"), "1800000000012");
  EXPECT_EQ(at(short_form, "updated_unix_ms"), "1800000000020");
  EXPECT_EQ(at(short_form, "source"), "absent");
}

TEST(RunDocument, TellsEverythingOfARun) {
  RunDocument run(*scope(), kNow);
  run.limited({});
  codemode::v1::Check check;
  auto* const warning = check.add_diagnostics();
  warning->set_message("is declared but never read");
  warning->set_line(1);
  warning->set_code(6133);
  auto* const site = check.add_calls();
  site->set_server("files");
  site->set_tool("read_file");
  site->set_in_loop(true);
  check.add_escapes()->set_reason("alias");
  codemode::v1::CallVerdict verdict;
  verdict.set_server("files");
  verdict.set_tool("read_file");
  verdict.set_verdict(policy::v1::VERDICT_AUTO);
  verdict.set_rule("preset.safe");
  run.checked(check, {verdict});
  run.call_started(call(1), kNow + 1);
  run.call_started(call(2), kNow + 2);
  EXPECT_TRUE(run.has_open_calls());
  run.call_ended(
      {.call_id = 1, .outcome = "resolved", .message = "", .rule = "preset.safe"}, kNow + 3
  );
  run.call_ended({.call_id = 2, .outcome = "Denied", .message = "no", .rule = "rules.x"}, kNow + 4);
  EXPECT_FALSE(run.has_open_calls());
  codemode::v1::RunProgress line;
  line.set_level("warn");
  line.set_console("hello");
  run.wrote(line);
  runner::Finished finished;
  finished.set_cpu_us(7);
  finished.set_memory_peak_kib(99);
  finished.set_value("not for this");
  run.used(finished);
  auto final = final_of(codemode::v1::OUTCOME_OK);
  final.set_value(R"({"a":[1]})");
  final.set_calls(2);
  run.finished(final, kNow + 5);

  const json::Value document = parsed(run.json(kNow + 6));

  EXPECT_EQ(at(document, "run_id"), R"("run_1")");
  EXPECT_EQ(at(document, "unattended"), "false");
  EXPECT_EQ(at(document, "source"), R"x("return await files.read_file({path: \"/a\"})")x");
  EXPECT_EQ(*document.find("source_digest")->as_string(), to_hex(scope()->source_digest));
  EXPECT_THAT(at(document, "check"), HasSubstr(R"("message":"is declared but never read")"));
  EXPECT_THAT(at(document, "check"), HasSubstr(R"("in_loop":true)"));
  EXPECT_THAT(at(document, "check"), HasSubstr(R"("escapes":[{"reason":"alias")"));
  EXPECT_EQ(
      at(document, "call_set"),
      R"([{"server":"files","tool":"read_file","verdict":"auto","rule":"preset.safe"}])"
  );
  EXPECT_EQ(
      at(document, "calls"),
      R"([{"id":1,"server":"files","tool":"read_file","call_site":"1:8","arguments":{"path":"/a"},"arguments_digest":")" +
          to_hex(crypto::sha256(R"({"path":"/a"})")) +
          R"(","started_unix_ms":1800000000001,"ended_unix_ms":1800000000003,"outcome":"resolved","rule":"preset.safe"},)"
          R"({"id":2,"server":"files","tool":"read_file","call_site":"1:8","arguments":{"path":"/a"},"arguments_digest":")" +
          to_hex(crypto::sha256(R"({"path":"/a"})")) +
          R"(","started_unix_ms":1800000000002,"ended_unix_ms":1800000000004,"outcome":"Denied","message":"no","rule":"rules.x"}])"
  );
  EXPECT_EQ(at(document, "console"), R"([{"level":"warn","text":"hello"}])");
  EXPECT_EQ(at(document, "value"), R"({"a":[1]})");
  EXPECT_EQ(at(document, "value_bytes"), "9");
  EXPECT_THAT(at(document, "limits"), HasSubstr(R"("wall_ms":30000)"));
  EXPECT_THAT(at(document, "used"), HasSubstr(R"("cpu_us":7,"memory_peak_kib":99,"calls":2)"));
  EXPECT_EQ(at(document, "shortened"), "absent");
}

TEST(RunDocument, AFailedRunTellsItsErrorAndWhatTheCompilerFound) {
  RunDocument run(*scope(), kNow);
  auto final = final_of(codemode::v1::OUTCOME_TYPE_ERROR);
  final.mutable_error()->set_message("no such tool");
  final.mutable_error()->set_line(3);
  final.mutable_error()->set_hint("write files.read_file");
  final.mutable_check()->add_diagnostics()->set_blocks(true);
  run.finished(final, kNow + 1);

  const json::Value document = parsed(run.json(kNow + 1));

  EXPECT_EQ(
      at(document, "error"),
      R"({"message":"no such tool","line":3,"column":0,"hint":"write files.read_file"})"
  );
  EXPECT_THAT(at(document, "check"), HasSubstr(R"("blocks":true)"));
  EXPECT_EQ(at(document, "value"), "absent");
  EXPECT_EQ(at(parsed(run.summary(kNow + 1)), "error"), R"("no such tool")");
}

TEST(RunDocument, AnAbandonedRunTellsWhy) {
  RunDocument run(*scope(), kNow);
  run.abandoned(3, Error(Code::Unavailable, "no runner"), kNow + 40);

  const json::Value short_form = parsed(run.summary(kNow + 50));
  EXPECT_EQ(at(short_form, "state"), R"("abandoned")");
  EXPECT_EQ(at(short_form, "error"), R"("no runner")");
  EXPECT_EQ(at(short_form, "calls_made"), "3");
  EXPECT_EQ(at(short_form, "duration_ms"), "40");
}

TEST(RunDocument, MasksSecretsInArguments) {
  RunDocument run(*scope(), kNow);
  run.call_started(call(1, R"({"api_key":"abcdef","path":"/a"})"), kNow);

  const std::string document = run.json(kNow);

  EXPECT_THAT(document, Not(HasSubstr("abcdef")));
  EXPECT_THAT(document, HasSubstr(R"("arguments":{"api_key":"***","path":"/a"})"));
}

TEST(RunDocument, KeepsTheBeginningOfWhatIsTooLong) {
  RunDocument run(*scope(), kNow);
  run.call_started(call(1, R"({"text":")" + std::string(10'000, 'x') + "\"}"), kNow);
  codemode::v1::RunProgress line;
  line.set_console(std::string(10'000, 'y'));
  for (int i = 0; i < 30; ++i) {
    run.wrote(line);
  }
  auto final = final_of(codemode::v1::OUTCOME_OK);
  final.set_value("\"" + std::string(kRunValueShownMax, 'z') + "\"");
  final.set_console_bytes_dropped(5);
  run.finished(final, kNow);

  const json::Value document = parsed(run.json(kNow));

  const json::Value& shown = document.find("calls")->as_array()->at(0);
  EXPECT_EQ(shown.find("arguments")->as_string()->size(), kRunCallArgumentsShownMax);
  EXPECT_EQ(at(shown, "arguments_clipped"), "true");
  EXPECT_EQ(document.find("console")->as_array()->size(), kRunConsoleShownMax / 10'000);
  EXPECT_EQ(at(document, "console_bytes_dropped"), "40005");
  EXPECT_EQ(document.find("value")->as_string()->size(), kRunValueShownMax);
  EXPECT_EQ(at(document, "value_clipped"), "true");
  EXPECT_EQ(at(document, "value_bytes"), std::to_string(kRunValueShownMax + 2));
}

TEST(RunDocument, KeepsTheNewestCalls) {
  RunDocument run(*scope(), kNow);
  const auto many = static_cast<std::uint32_t>(kRunCallsShownMax) + 10;
  for (std::uint32_t id = 1; id <= many; ++id) {
    run.call_started(call(id, R"({"text":")" + std::string(2'000, 'x') + "\"}"), kNow);
    run.call_ended({.call_id = id, .outcome = "resolved", .message = "", .rule = ""}, kNow);
  }

  const json::Value document = parsed(run.json(kNow));

  EXPECT_EQ(document.find("calls")->as_array()->size(), kRunCallsShownMax);
  EXPECT_EQ(at(document.find("calls")->as_array()->back(), "id"), std::to_string(many));
  EXPECT_EQ(at(document, "calls_made"), std::to_string(many));
  EXPECT_FALSE(run.has_open_calls());
}

// What grows six times when it is written as JSON.
TEST(RunDocument, NeverGrowsBeyondItsBound) {
  const auto worst = scope();
  worst->source = std::string(kSourceBytesMax, '\x01');
  RunDocument run(*worst, kNow);
  codemode::v1::Check check;
  for (int i = 0; i < kCallSitesMax; ++i) {
    check.add_calls()->set_server(std::string(250, '\x01'));
  }
  run.checked(check, {});
  for (std::uint32_t id = 1; id <= kRunCallsShownMax; ++id) {
    run.call_started(call(id), kNow);
    run.call_ended(
        {.call_id = id, .outcome = "Denied", .message = std::string(1'000, '\x01'), .rule = ""},
        kNow
    );
  }
  codemode::v1::RunProgress line;
  line.set_console(std::string(16'000, '\x01'));
  for (int i = 0; i < 20; ++i) {
    run.wrote(line);
  }
  run.finished(final_of(codemode::v1::OUTCOME_OK), kNow);

  const std::string document = run.json(kNow);

  EXPECT_LE(document.size(), kRunDocumentBytesMax);
  EXPECT_EQ(at(parsed(document), "shortened"), "true");
  EXPECT_EQ(at(parsed(document), "state"), R"("ok")");
}

}  // namespace
}  // namespace sluice::codemode_sandbox
