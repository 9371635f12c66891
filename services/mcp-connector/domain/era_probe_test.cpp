#include "services/mcp-connector/domain/era_probe.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using Kind = ProbeVerdict::Kind;

TEST(JudgeDiscover, ASharedModernVersionIsTheModernEra) {
  const auto verdict = judge_discover(
      {.result = R"({"supportedVersions":["2027-01-01","2026-07-28"],"capabilities":{"tools":{}}})",
       .error = {}}
  );

  EXPECT_EQ(verdict.kind, Kind::Modern);
  EXPECT_EQ(verdict.version, "2026-07-28");
  EXPECT_TRUE(verdict.capabilities.has_tools);
}

TEST(JudgeDiscover, AnUnsupportedVersionThatNamesASharedOneIsAskedAgain) {
  const auto verdict = judge_discover(
      {.result = {},
       .error = R"({"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}})"}
  );

  EXPECT_EQ(verdict.kind, Kind::AskAgain);
  EXPECT_EQ(verdict.version, "2026-07-28");
}

TEST(JudgeDiscover, EveryOtherAnswerIsTheLegacyEra) {
  for (const char* result :
       {R"({"supportedVersions":["2025-11-25"]})", R"({"supportedVersions":[]})", "{}", "[]", "x"
       }) {
    EXPECT_EQ(judge_discover({.result = result, .error = {}}).kind, Kind::Legacy) << result;
  }
  for (const char* error :
       {R"({"code":-32601,"message":"no"})",
        R"({"code":-32603,"message":"no"})",
        R"({"code":-32000,"message":"no"})",
        R"({"code":-32020,"message":"no"})",
        R"({"code":-32022,"message":"no"})",
        R"({"code":-32022,"message":"no","data":{"supported":["2027-01-01"]}})",
        "x"}) {
    EXPECT_EQ(judge_discover({.result = {}, .error = error}).kind, Kind::Legacy) << error;
  }
}

TEST(IsHeaderMismatch, IsOneCodeOnly) {
  EXPECT_TRUE(is_header_mismatch({.result = {}, .error = R"({"code":-32020,"message":"no"})"}));
  EXPECT_FALSE(is_header_mismatch({.result = {}, .error = R"({"code":-32602,"message":"no"})"}));
  EXPECT_FALSE(is_header_mismatch({.result = "{}", .error = {}}));
}

}  // namespace
}  // namespace sluice::mcp_connector
