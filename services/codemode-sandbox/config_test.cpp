#include "services/codemode-sandbox/config.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

TEST(Config, ReadsItsSections) {
  auto document = config::Document::from_text(
      R"({"bus": {"url": "nats://h:1"}, "audit": {"outbox_directory": "/o"}, "mcp": {"any": 1},
          "codemode": {"runner_directory": "/r", "run_seconds": 2, "heap_mb": 32, "calls_max": 7}})",
      {}
  );
  ASSERT_THAT(document, sluice::testing::IsOk());

  const Config settings = Config::load(document.value());

  EXPECT_THAT(document.value().finish(), sluice::testing::IsOk());
  EXPECT_EQ(settings.bus.url, "nats://h:1");
  EXPECT_EQ(settings.audit.outbox_directory, "/o/codemode-sandbox");
  EXPECT_EQ(settings.runner_directory, "/r");
  EXPECT_EQ(settings.limits.wall, std::chrono::seconds(2));
  EXPECT_EQ(settings.limits.heap_bytes, std::size_t{32} << 20);
  EXPECT_EQ(settings.limits.console_bytes, std::size_t{256} << 10);
  EXPECT_EQ(settings.limits.calls_max, 7U);
  EXPECT_EQ(settings.runs_max, 64U);
  EXPECT_EQ(settings.park_time, std::chrono::seconds(60));
  EXPECT_EQ(settings.parked_max, 200U);
  EXPECT_EQ(settings.escapes, Escapes::Refuse);
}

TEST(Config, TheBindingLevelStandsHereOrWhereBifrostHasIt) {
  const auto binding_of = [](std::string_view text) {
    auto document = config::Document::from_text(text, {});
    EXPECT_THAT(document, sluice::testing::IsOk());
    const Config settings = Config::load(document.value());
    EXPECT_THAT(document.value().finish(), sluice::testing::IsOk());
    return settings.binding;
  };
  EXPECT_EQ(binding_of("{}"), BindingLevel::Server);
  EXPECT_EQ(binding_of(R"({"codemode": {"code_mode_binding_level": "tool"}})"), BindingLevel::Tool);
  EXPECT_EQ(
      binding_of(R"({"mcp": {"tool_manager_config": {"code_mode_binding_level": "tool"}}})"),
      BindingLevel::Tool
  );
}

TEST(Config, ARunMayNotOutliveTheBus) {
  auto document = config::Document::from_text(R"({"codemode": {"run_seconds": 301}})", {});
  ASSERT_THAT(document, sluice::testing::IsOk());

  static_cast<void>(Config::load(document.value()));

  EXPECT_THAT(document.value().finish(), sluice::testing::HasCode(Code::Invalid));
}

TEST(Config, UnknownKeysOfItsSectionAreFaults) {
  auto document =
      config::Document::from_text(R"({"codemode": {"runner": "x"}, "bus": {"rul": 1}})", {});
  ASSERT_THAT(document, sluice::testing::IsOk());

  static_cast<void>(Config::load(document.value()));
  const auto finished = document.value().finish();

  ASSERT_THAT(finished, sluice::testing::HasCode(Code::Invalid));
  EXPECT_THAT(
      finished.error().message(), ::testing::HasSubstr("codemode.runner: is not a setting")
  );
  EXPECT_THAT(finished.error().message(), ::testing::HasSubstr("did you mean \"url\"?"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
