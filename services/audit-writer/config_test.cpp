#include "services/audit-writer/config.h"

#include "services/audit-writer/limits.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

TEST(Config, TakesItsSectionsAndLeavesTheOthersAlone) {
  auto document = config::Document::from_text(
      R"({"bus": {"url": "nats://n:1", "monitor_url": "http://n:2"}, "postgres": {"host": "p"},
          "audit": {"outbox_directory": "/o"}, "policy": {"preset": "manual"}})",
      {}
  );
  ASSERT_THAT(document, testing::IsOk());

  const Config config = Config::load(document.value());

  ASSERT_THAT(document.value().finish(), testing::IsOk());
  EXPECT_EQ(config.bus.url, "nats://n:1");
  EXPECT_EQ(config.monitor_url, "http://n:2");
  EXPECT_EQ(config.postgres.host, "p");
  EXPECT_EQ(config.postgres.user, "audit_writer");
  EXPECT_EQ(config.audit.outbox_directory, "/o/audit-writer");
  EXPECT_EQ(config.drain_timeout, kDrainTimeout);
}

TEST(Config, RefusesUnknownKeysOfItsSections) {
  auto document = config::Document::from_text(R"({"audit": {"outbox_dirctory": "/o"}})", {});
  ASSERT_THAT(document, testing::IsOk());
  static_cast<void>(Config::load(document.value()));

  EXPECT_THAT(document.value().finish(), testing::HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::audit_writer
