#include "services/policy-engine/domain/policy.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::policy_engine {
namespace {

std::string hash_of(std::string_view settings) {
  return policy_of(settings).hash();
}

TEST(Policy, EqualPoliciesHaveEqualHashesHoweverTheyAreWritten) {
  const std::string one = R"({"policy": {"preset": "manual"}, "mcp": {"client_configs": [
      {"name": "a", "connection_type": "stdio", "tools_to_execute": ["x", "y"], "trust_annotations": false},
      {"name": "b", "connection_type": "stdio"}]}})";
  const std::string two = R"({"mcp": {"client_configs": [
      {"connection_type": "http", "name": "b", "tools_to_execute": []},
      {"connection_type": "stdio", "tools_to_execute": ["y", "x"], "name": "a"}]}, "auth": {"keys": []}})";

  EXPECT_EQ(hash_of(one), hash_of(two));
  EXPECT_EQ(hash_of(one).size(), 32U);
}

TEST(Policy, EverythingADecisionDependsOnChangesTheHash) {
  const auto server = [](std::string_view members) {
    return R"({"mcp": {"client_configs": [{"name": "a", "connection_type": "stdio")" +
           std::string(members) + "}]}}";
  };
  const auto key = [](std::string_view id, std::string_view more) {
    return R"({"auth": {"keys": [)" + key_entry(id, more) + "]}}";
  };
  const std::set<std::string> hashes{
      hash_of("{}"),
      hash_of(R"({"policy": {"preset": "open"}})"),
      hash_of(server("")),
      hash_of(server(R"(, "tools_to_execute": ["*"])")),
      hash_of(server(R"(, "tools_to_auto_execute": [])")),
      hash_of(server(R"(, "tools_to_auto_execute": ["x"])")),
      hash_of(server(R"(, "effect_classes": {"x": "read"})")),
      hash_of(server(R"(, "trust_annotations": true)")),
      hash_of(server(R"(, "is_code_mode_client": true)")),
      hash_of(server(R"(, "disabled": true)")),
      hash_of(server(R"(, "tenants": ["default"])")),
      hash_of(key("alice", "")),
      hash_of(key("bob", "")),
      hash_of(key("alice", R"(, "tenant": "other")")),
      hash_of(key("alice", R"(, "roles": ["admin"])")),
      hash_of(key("alice", R"(, "agent": "x")")),
      hash_of(key("alice", R"(, "servers": [])")),
      hash_of(key("alice", R"(, "tools": [])")),
  };

  EXPECT_EQ(hashes.size(), 18U);
}

TEST(Policy, KeysAreFoundByTheirText) {
  const Policy policy =
      policy_of(R"({"auth": {"keys": [)" + key_entry("alice") + "," + key_entry("bob") + "]}}");

  ASSERT_NE(policy.key_of(key_text("bob")), nullptr);
  EXPECT_EQ(policy.key_of(key_text("bob"))->id, "bob");
  EXPECT_EQ(policy.key_of("sk-carol"), nullptr);
  EXPECT_EQ(policy.key_of(""), nullptr);
  EXPECT_EQ(policy.key_named("alice")->principal(), "key:alice");
  EXPECT_EQ(policy.key_named("carol"), nullptr);
}

}  // namespace
}  // namespace sluice::policy_engine
