#include "common/observability/log.h"

#include "common/observability/log_line.h"
#include "common/observability/testing/recording_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sluice::observability {
namespace {

std::string as_text(std::string_view event, LogFields fields) {
  return text_line(
      {.service = "policy-engine",
       .instance = "policy-engine-1",
       .level = Level::Warn,
       .unix_ms = 1767323045006,
       .event = event,
       .fields = fields}
  );
}

std::string as_json(std::string_view event, LogFields fields) {
  return json_line(
      {.service = "policy-engine",
       .instance = "policy-engine-1",
       .level = Level::Error,
       .unix_ms = 1767323045006,
       .event = event,
       .fields = fields}
  );
}

TEST(LogLine, TextHasTimeLevelEventAndFields) {
  EXPECT_EQ(
      as_text(
          "breaker-opened", {{"provider", "demo"}, {"failures", 5}, {"share", 0.5}, {"on", true}}
      ),
      "2026-01-02T03:04:05.006Z warn breaker-opened provider=demo failures=5 share=0.5 on=true "
      "service=policy-engine instance=policy-engine-1\n"
  );
}

TEST(LogLine, JsonHasTimeLevelEventAndFields) {
  EXPECT_EQ(
      as_json("breaker-opened", {{"provider", "demo"}, {"failures", 5}, {"on", false}}),
      R"({"time":"2026-01-02T03:04:05.006Z","level":"error","service":"policy-engine",)"
      R"("instance":"policy-engine-1","event":"breaker-opened","provider":"demo","failures":5,"on":false})"
      "\n"
  );
}

TEST(LogLine, ValuesCannotStartALineOfTheirOwn) {
  const std::string_view hostile = "x\r\n2026-01-02 error fake\x1b[2J\xC2\x85\xE2\x80\xA8";

  const std::string text = as_text("tool-failed", {{"reason", hostile}});
  const std::string json = as_json("tool-failed", {{"reason", hostile}});

  const std::string escaped = R"("x\u000d\n2026-01-02 error fake\u001b[2J\u0085\u2028")";
  EXPECT_THAT(text, testing::HasSubstr("reason=" + escaped));
  EXPECT_THAT(json, testing::HasSubstr("\"reason\":" + escaped));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(json.find('\n'), json.size() - 1);
}

TEST(LogLine, QuotesWhatCouldBeTakenForAnotherField) {
  EXPECT_THAT(as_text("e", {{"a", "x b=y"}}), testing::HasSubstr(R"( a="x b=y" )"));
  EXPECT_THAT(as_text("e", {{"a", ""}}), testing::HasSubstr(R"( a="" )"));
  EXPECT_THAT(as_text("e", {{"a", R"(q"\)"}}), testing::HasSubstr(R"( a="q\"\\" )"));
}

TEST(LogLine, BytesThatAreNoUtf8AreEscaped) {
  EXPECT_THAT(as_json("e", {{"a", "\xFFz"}}), testing::HasSubstr(R"("a":"\u00ffz")"));
}

TEST(LogLine, LongValuesAreCutAtACharacter) {
  std::string value(kLogValueBytesMax - 1, 'a');
  value += "éé";

  const std::string line = as_text("e", {{"a", value}});

  EXPECT_THAT(line, testing::HasSubstr(std::string(kLogValueBytesMax - 1, 'a') + "…\" "));
}

TEST(LogLine, JsonHasNoInfinities) {
  EXPECT_THAT(as_json("e", {{"a", HUGE_VAL}}), testing::HasSubstr(R"("a":null)"));
}

TEST(StderrLog, WritesFromItsLevelUp) {
  const auto log = make_stderr_log("ingress", "ingress-1", Level::Warn, false);

  testing::internal::CaptureStderr();
  log->info("too-low");
  log->warn("just-right", {{"n", 7}});

  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, testing::Not(testing::HasSubstr("too-low")));
  EXPECT_THAT(
      written, testing::HasSubstr("warn just-right n=7 service=ingress instance=ingress-1\n")
  );
}

TEST(RecordingLog, FindsEventsByNameAndField) {
  RecordingLog log;

  log.warn("redis-lost", {{"port", 6379}});

  EXPECT_TRUE(log.has("redis-lost", "port=6379"));
  EXPECT_FALSE(log.has("redis-lost", "port=1 "));
  EXPECT_EQ(log.count("redis-lost"), 1U);
}

}  // namespace
}  // namespace sluice::observability
