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

TEST(Config, ReadsIssuersOfAccessTokens) {
  const Loaded loaded = load(
      R"({"auth": {"jwt": [
        {"id": "a", "issuer": "https://a.example", "audience": "https://gw/mcp"},
        {"id": "b", "issuer": "http://127.0.0.1:1", "jwks_url": "http://127.0.0.1:1/keys", "audience": "https://gw/mcp",
         "algorithms": ["ES256"], "principal_claim": "email", "tenant": "t", "scopes": {"run": ["caller"]},
         "allowed_private_networks": ["127.0.0.0/8"]}]}})"
  );

  EXPECT_EQ(loaded.faults, "");
  EXPECT_THAT(loaded.warnings, IsEmpty());
  ASSERT_EQ(loaded.config.policy.jwt_issuers.size(), 2U);
  const JwtIssuer& a = loaded.config.policy.jwt_issuers[0];
  EXPECT_EQ(a.caller.id, "jwt:a");
  EXPECT_EQ(a.principal_claim, "sub");
  EXPECT_EQ(a.algorithms.size(), 3U);
  EXPECT_EQ(a.scopes.at("sluice:use"), (std::vector<std::string>{"caller"}));
  const JwtIssuer& b = loaded.config.policy.jwt_issuers[1];
  EXPECT_EQ(b.algorithms, (std::vector{crypto::JwsAlgorithm::Es256}));
  EXPECT_EQ(b.caller.tenant, "t");
  EXPECT_EQ(b.scopes.size(), 1U);
}

TEST(Config, ListsFaultsOfIssuers) {
  const Loaded loaded = load(
      R"({"auth": {"jwt": [
        {"id": "a:b", "issuer": "login.example", "audience": "", "algorithms": ["HS256"], "scopes": {"x": ["king"]}},
        {"id": "c", "issuer": "https://c", "audience": "x", "jwks_url": "file:///etc/passwd", "algorithms": [],
         "scopes": [], "tenant": " ", "allowed_private_networks": ["10.0.0.1"], "key": 1},
        {"id": "c", "issuer": "https://c", "audience": "x", "algorithms": ["none"]}, {}]}})"
  );

  for (const char* fault :
       {"jwt[0].id",
        "jwt[0].issuer",
        "jwt[0].audience",
        "jwt[0].algorithms",
        "jwt[0].scopes",
        "jwt[1].jwks_url",
        "jwt[1].algorithms",
        "jwt[1].scopes",
        "jwt[1].tenant",
        "jwt[1].allowed_private_networks",
        "jwt[1].key",
        "jwt[2].id",
        "jwt[2].issuer",
        "jwt[2].algorithms",
        "jwt[3].id",
        "jwt[3].issuer",
        "jwt[3].audience"}) {
    EXPECT_THAT(loaded.faults, HasSubstr(fault));
  }
}

TEST(Config, WarnsOfKeysThatCannotBeFetched) {
  const Loaded loaded = load(
      R"({"auth": {"jwt": [{"id": "a", "issuer": "http://a.example", "audience": "https://gw/mcp"}]}})"
  );

  EXPECT_EQ(loaded.faults, "");
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("http://")));
}

}  // namespace
}  // namespace sluice::policy_engine
