#include "services/codemode-sandbox/config.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

TEST(Config, ReadsItsSections) {
  auto document = config::Document::from_text(
      R"({"bus": {"url": "nats://h:1"}, "audit": {"outbox_directory": "/o"}, "mcp": {"any": 1}})",
      {}
  );
  ASSERT_THAT(document, sluice::testing::IsOk());

  const Config settings = Config::load(document.value());

  EXPECT_THAT(document.value().finish(), sluice::testing::IsOk());
  EXPECT_EQ(settings.bus.url, "nats://h:1");
  EXPECT_EQ(settings.audit.outbox_directory, "/o/codemode-sandbox");
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
