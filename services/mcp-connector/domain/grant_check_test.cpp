#include "services/mcp-connector/domain/grant_check.h"

#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::string_view kArguments = R"({"path":"/a"})";

policy::v1::Grant good_grant() {
  policy::v1::Grant grant;
  grant.set_grant_id(std::string(16, 'g'));
  grant.set_tenant("t");
  grant.set_principal("p");
  grant.set_server_id("s");
  grant.set_tool("read_file");
  grant.set_method("tools/call");
  grant.set_definition_hash("hash");
  grant.set_args_digest(crypto::sha256(kArguments));
  grant.set_policy_version(5);
  grant.set_not_before_unix_ms(kNow);
  grant.set_not_after_unix_ms(kNow + grant::kGrantLifeMs);
  return grant;
}

GrantFacts facts() {
  return {
      .server_id = "s",
      .method = "tools/call",
      .arguments = kArguments,
      .tenant = "t",
      .principal = "p",
      .policy_version = 5,
      .now_unix_ms = kNow
  };
}

TEST(CheckGrant, AcceptsAGrantForExactlyThis) {
  EXPECT_THAT(check_grant(good_grant(), facts()), IsOk());
}

TEST(CheckGrant, RefusesAGrantThatDiffersInAnyField) {
  const std::vector<std::pair<const char*, std::function<void(policy::v1::Grant&)>>> changes{
      {"id", [](auto& grant) { grant.set_grant_id("short"); }},
      {"server", [](auto& grant) { grant.set_server_id("s2"); }},
      {"method", [](auto& grant) { grant.set_method("resources/read"); }},
      {"tenant", [](auto& grant) { grant.set_tenant("t2"); }},
      {"principal", [](auto& grant) { grant.set_principal("p2"); }},
      {"arguments", [](auto& grant) { grant.set_args_digest(crypto::sha256("{}")); }},
      {"empty digest", [](auto& grant) { grant.clear_args_digest(); }},
      {"expired", [](auto& grant) { grant.set_not_after_unix_ms(kNow - 1); }},
      {"not yet valid",
       [](auto& grant) { grant.set_not_before_unix_ms(kNow + grant::kClockSkewMs + 1); }},
      {"too long a life", [](auto& grant) { grant.set_not_after_unix_ms(kNow + 3'600'000); }},
  };

  for (const auto& [name, change] : changes) {
    policy::v1::Grant grant = good_grant();
    change(grant);
    EXPECT_THAT(check_grant(grant, facts()), HasCode(Code::Denied)) << name;
  }
}

TEST(CheckGrant, WhoComesWithARunTokenNeedsAGrantOfThatRun) {
  GrantFacts run = facts();
  run.run_id = "run_1";
  policy::v1::Grant grant = good_grant();
  EXPECT_THAT(check_grant(grant, run), HasCode(Code::Denied));
  grant.set_run_id("run_2");
  EXPECT_THAT(check_grant(grant, run), HasCode(Code::Denied));
  grant.set_run_id("run_1");

  EXPECT_THAT(check_grant(grant, run), IsOk());
  EXPECT_THAT(check_grant(grant, facts()), IsOk());
}

TEST(CheckGrant, AGrantForAnotherMethodThanToolsCallNamesNoTool) {
  GrantFacts read = facts();
  read.method = "resources/read";
  policy::v1::Grant grant = good_grant();
  grant.set_method("resources/read");

  grant.clear_tool();
  EXPECT_THAT(check_grant(grant, read), HasCode(Code::Denied)) << "the definition hash is there";
  grant.clear_definition_hash();
  EXPECT_THAT(check_grant(grant, read), IsOk());
  grant.set_tool("read_file");
  EXPECT_THAT(check_grant(grant, read), HasCode(Code::Denied));
}

TEST(CheckGrant, RefusesAnOlderPolicyWithConflict) {
  GrantFacts newer = facts();
  newer.policy_version = 6;

  EXPECT_THAT(check_grant(good_grant(), newer), HasCode(Code::Conflict));
}

TEST(CheckGrant, AcceptsANewerPolicyThanHeard) {
  GrantFacts older = facts();
  older.policy_version = 1;

  EXPECT_THAT(check_grant(good_grant(), older), IsOk());
}

TEST(CheckDefinition, RefusesAChangedDefinition) {
  EXPECT_THAT(check_definition(good_grant(), "hash"), IsOk());
  EXPECT_THAT(check_definition(good_grant(), "other"), HasCode(Code::Conflict));
}

}  // namespace
}  // namespace sluice::mcp_connector
