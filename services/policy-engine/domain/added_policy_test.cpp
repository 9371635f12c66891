// Servers added by API: their policy comes with the catalog.
#include "services/policy-engine/config.h"
#include "services/policy-engine/domain/catalog.h"
#include "services/policy-engine/domain/evaluate.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

AddedPolicy read(const std::string& server, const std::string& text) {
  auto policy = read_added_policy(server, text);
  return policy.ok() ? std::make_shared<const ServerPolicy>(std::move(policy).value()) : nullptr;
}

class AddedPolicyTest : public ::testing::Test {
 protected:
  Ruling ask(const std::string& policy_config, const std::string& tool) {
    connector::v1::CatalogReply reply;
    auto* server = reply.add_servers();
    server->set_server_id("0123456789abcdef");
    server->set_name("search");
    server->set_policy_config(policy_config);
    server->add_tools()->set_name(tool);
    CheckedPins pins;
    pins.states = {PinState::Agreed};
    const auto catalog = Catalog::from(reply, &read, pins);
    EXPECT_THAT(catalog, IsOk());
    return evaluate(policy, {&claims, &key, &filter}, catalog.value()->tools().front());
  }

  Policy policy;
  policy::v1::CallerClaims claims;
  CallerKey key{.id = "k", .tenant = "default"};
  policy::v1::ToolFilter filter;
};

TEST_F(AddedPolicyTest, RulesAsTheFileWould) {
  constexpr const char* kConfig =
      R"({"name":"search","tools_to_execute":["find","drop"],"tools_to_auto_execute":["find"],)"
      R"("effect_classes":{"drop":"delete"}})";

  EXPECT_EQ(ask(kConfig, "find").verdict, policy::v1::VERDICT_AUTO);
  EXPECT_EQ(ask(kConfig, "drop").verdict, policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(ask(kConfig, "drop").effect, policy::v1::EFFECT_CLASS_DELETE);
  EXPECT_EQ(ask(kConfig, "other").verdict, policy::v1::VERDICT_DENY);
  EXPECT_EQ(ask(kConfig, "other").rule, "search.tools_to_execute");
}

TEST_F(AddedPolicyTest, WithoutOneNobodyMayUseTheServer) {
  EXPECT_EQ(ask("", "find").rule, "catalog.unknown_server");
  EXPECT_EQ(ask("[]", "find").rule, "catalog.unknown_server");
  EXPECT_EQ(
      ask(R"({"name":"other","tools_to_execute":["*"]})", "find").rule, "catalog.unknown_server"
  );
}

TEST_F(AddedPolicyTest, TheFileHasTheLastWord) {
  policy.servers["search"] = ServerPolicy{};

  EXPECT_EQ(
      ask(R"({"name":"search","tools_to_execute":["*"]})", "find").rule, "search.tools_to_execute"
  );
}

TEST_F(AddedPolicyTest, ItsFaultsAreNamed) {
  const auto read = read_added_policy(
      "search", R"({"name":"search","tools_to_execute":"*","effect_classes":{"t":"x"}})"
  );

  ASSERT_THAT(read, HasCode(Code::Invalid));
  EXPECT_THAT(read.error().message(), HasSubstr("tools_to_execute"));
  EXPECT_THAT(read.error().message(), HasSubstr("effect_classes"));
}

}  // namespace
}  // namespace sluice::policy_engine
