#include "services/policy-engine/config.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;

struct Loaded {
  Config config;
  std::string faults;
  std::vector<std::string> warnings;
};

Loaded load(std::string_view text) {
  auto document = config::Document::from_text(text, {});
  EXPECT_THAT(document, IsOk());
  Loaded loaded;
  loaded.config = Config::load(document.value());
  const auto finished = document.value().finish();
  loaded.faults = finished.ok() ? "" : finished.error().message();
  loaded.warnings = document.value().warnings();
  return loaded;
}

TEST(Config, AnEmptyFileIsAClosedPolicy) {
  const Loaded loaded = load("{}");

  EXPECT_EQ(loaded.faults, "");
  EXPECT_EQ(loaded.config.policy.preset, Preset::Manual);
  EXPECT_TRUE(loaded.config.policy.keys.empty());
  EXPECT_TRUE(loaded.config.policy.servers.empty());
  EXPECT_EQ(loaded.config.postgres.user, "policy_engine");
}

TEST(Config, ReadsServersAndKeysAndLeavesTheRestToOthers) {
  const Loaded loaded = load(
      R"({"providers": {"demo": {"type": "demo"}}, "http": {"port": 1}, "mcp": {"health_interval_ms": 5, "client_configs": [
          {"connection_type": "stdio", "stdio_config": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem"]},
           "tools_to_execute": ["read_file"], "tools_to_auto_execute": ["read_file"], "env": {"A": "b"}}]},
          "policy": {"preset": "safe"}, "auth": {"keys": [)" +
      key_entry("alice", R"(, "tenant": "t1", "roles": ["admin"])") + "]}}"
  );

  EXPECT_EQ(loaded.faults, "");
  EXPECT_THAT(loaded.warnings, IsEmpty());
  ASSERT_TRUE(loaded.config.policy.servers.contains("filesystem"));
  EXPECT_TRUE(loaded.config.policy.servers.at("filesystem").tools_to_execute.contains("read_file"));
  EXPECT_EQ(loaded.config.policy.preset, Preset::Safe);
  ASSERT_EQ(loaded.config.policy.keys.size(), 1U);
  EXPECT_EQ(loaded.config.policy.keys[0].tenant, "t1");
  EXPECT_FALSE(loaded.config.policy.keys[0].tools.has_value());
}

TEST(Config, ListsEveryFaultAtOnce) {
  const Loaded loaded = load(
      R"({"policy": {"preset": "opne", "presets": 1}, "mcp": {"client_configs": [
      {"name": "9lives", "connection_type": "stdio", "tools_to_execute": "*"},
      {"name": "a", "connection_type": "stdio", "effect_classes": {"x": "execute"}, "tools_to_auto_execute": [""]},
      {"name": "a", "connection_type": "stdio", "trust_annotations": "yes"}]},
      "auth": {"keys": [{"id": "b c", "sha256": "abc", "roles": ["king"]}, {"id": "d"}, {"sha256": ")" +
      std::string(64, '1') + R"(", "id": "e", "key": "sk-1"}]}})"
  );

  for (const char* fault :
       {"policy.preset",
        "policy.presets",
        "client_configs[0].name",
        "client_configs[0].tools_to_execute",
        "client_configs[1].effect_classes",
        "client_configs[1].tools_to_auto_execute",
        "client_configs[2].name",
        "client_configs[2].trust_annotations",
        "keys[0].id",
        "keys[0].sha256",
        "keys[0].roles",
        "keys[1].sha256",
        "keys[2].key"}) {
    EXPECT_THAT(loaded.faults, HasSubstr(fault));
  }
}

TEST(Config, RefusesTheSameKeyTwice) {
  const Loaded same_id =
      load(R"({"auth": {"keys": [)" + key_entry("alice") + "," + key_entry("alice") + "]}}");

  EXPECT_THAT(same_id.faults, HasSubstr("keys[1].id"));
  EXPECT_THAT(same_id.faults, HasSubstr("keys[1].sha256"));
}

TEST(Config, WarnsOfNamesThatCanHaveNoEffect) {
  const Loaded loaded = load(
      R"({"mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", "tools_to_execute": ["read_file"],
          "tools_to_auto_execute": ["write_file"]}, {"name": "web", "connection_type": "http", "tools_to_execute": ["*", "x"]}]},
          "auth": {"keys": [)" +
      key_entry("alice", R"(, "servers": ["flies"], "tools": ["read_file", "files-*"])") + "]}}"
  );

  EXPECT_EQ(loaded.faults, "");
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("\"write_file\"")));
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("beside other names")));
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("\"flies\"")));
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("\"read_file\"")));
  EXPECT_EQ(loaded.warnings.size(), 4U);
}

}  // namespace
}  // namespace sluice::policy_engine
