#include "services/ingress/config.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

struct Loaded {
  Config config;
  Result<void> status;
};

Loaded load(const std::string& text) {
  auto document = config::Document::from_text(text, {});
  EXPECT_THAT(document, IsOk());
  Config config = Config::load(document.value());
  return {std::move(config), document.value().finish()};
}

TEST(IngressConfig, HasDefaultsForEverything) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"}})");

  ASSERT_THAT(loaded.status, IsOk());
  EXPECT_EQ(loaded.config.http.address, "127.0.0.1");
  EXPECT_EQ(loaded.config.tool_execution_timeout, std::chrono::seconds(30));
  EXPECT_FALSE(loaded.config.servers_configured);
  EXPECT_EQ(loaded.config.record_body_bytes_max, 0U);
}

TEST(IngressConfig, ReadsHowToolsAreOffered) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},"http":{"port":0},"mcp":{
      "client_configs":[{"name":"a","anything":1}],
      "tool_manager_config":{"disable_auto_tool_inject":true,"tool_execution_timeout":"45s","max_agent_depth":3}}})"
  );

  ASSERT_THAT(loaded.status, IsOk());
  EXPECT_TRUE(loaded.config.servers_configured);
  EXPECT_TRUE(loaded.config.disable_auto_tool_inject);
  EXPECT_EQ(loaded.config.tool_execution_timeout, std::chrono::seconds(45));
}

TEST(IngressConfig, ListsEveryFault) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},
      "http":{"port":70000,"adress":"x","tls_key_file":"k"},"mcp":{"tool_manager_config":{"tool_execution_timeout":"soon"}}})"
  );

  ASSERT_THAT(loaded.status, HasCode(Code::Invalid));
  for (const char* part : {"http.port", "http.adress", "tls_key_file", "tool_execution_timeout"}) {
    EXPECT_NE(loaded.status.error().message().find(part), std::string::npos) << part;
  }
}

TEST(DurationOf, ReadsBifrostsForms) {
  EXPECT_EQ(duration_of(json::Value("30s")), std::chrono::seconds(30));
  EXPECT_EQ(duration_of(json::Value("500ms")), std::chrono::milliseconds(500));
  EXPECT_EQ(duration_of(json::Value("2m")), std::chrono::minutes(2));
  EXPECT_EQ(duration_of(json::Value(7)), std::chrono::seconds(7));
  for (const char* bad : {"", "s", "1h", "1.5s", "30 s", "99999999999999999999s"}) {
    EXPECT_EQ(duration_of(json::Value(bad)), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace sluice::ingress
