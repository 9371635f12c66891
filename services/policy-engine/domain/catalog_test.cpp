#include "services/policy-engine/domain/catalog.h"

#include "services/policy-engine/domain/name_check.h"
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

void add(
    connector::v1::ServerCatalog* server, const std::string& tool, const std::string& definition
) {
  auto* const entry = server->add_tools();
  entry->set_name(tool);
  entry->set_definition(definition);
  entry->set_definition_hash(std::string(32, 'h'));
}

connector::v1::CatalogReply reply_of_two_servers() {
  connector::v1::CatalogReply reply;
  reply.set_version("v1");
  auto* const zoo = reply.add_servers();
  zoo->set_server_id("0000000000000001");
  zoo->set_name("zoo");
  add(zoo, "feed", R"({"annotations":{"readOnlyHint":true}})");
  auto* const attic = reply.add_servers();
  attic->set_server_id("0000000000000002");
  attic->set_name("attic");
  add(attic, "sweep", R"({"annotations":{"readOnlyHint":"yes"}})");
  add(attic, "look", "not json");
  return reply;
}

TEST(Catalog, IsSortedAndFindsByServerIdAndTool) {
  const auto catalog = Catalog::from(reply_of_two_servers());

  ASSERT_THAT(catalog, IsOk());
  const Catalog& made = *catalog.value();
  ASSERT_EQ(made.tools().size(), 3U);
  EXPECT_EQ(made.tools()[0].tool, "look");
  EXPECT_EQ(made.tools()[1].tool, "sweep");
  EXPECT_EQ(made.tools()[2].server, "zoo");
  EXPECT_EQ(made.version(), "v1");
  ASSERT_NE(made.find("0000000000000001", "feed"), nullptr);
  EXPECT_EQ(made.find("0000000000000001", "feed")->server, "zoo");
  EXPECT_EQ(made.find("0000000000000002", "feed"), nullptr);
  EXPECT_EQ(made.find("", ""), nullptr);
}

TEST(Catalog, AwaitsServersThatAreNotConnectedYet) {
  connector::v1::CatalogReply reply = reply_of_two_servers();
  const auto add_empty = [&reply](const std::string& id, connector::v1::ServerState state) {
    auto* const server = reply.add_servers();
    server->set_server_id(id);
    server->set_state(state);
  };
  reply.mutable_servers(0)->set_state(connector::v1::SERVER_STATE_DISCONNECTED);  // known tools
  add_empty("connecting", connector::v1::SERVER_STATE_CONNECTING);
  add_empty("disconnected", connector::v1::SERVER_STATE_DISCONNECTED);
  add_empty("broken", connector::v1::SERVER_STATE_ERROR);
  add_empty("toolless", connector::v1::SERVER_STATE_CONNECTED);

  const auto catalog = Catalog::from(reply);

  ASSERT_THAT(catalog, IsOk());
  const Catalog& made = *catalog.value();
  EXPECT_TRUE(made.find_server("connecting")->awaited);
  EXPECT_TRUE(made.find_server("disconnected")->awaited);
  EXPECT_FALSE(made.find_server("broken")->awaited);
  EXPECT_FALSE(made.find_server("toolless")->awaited);
  EXPECT_FALSE(made.find_server("0000000000000001")->awaited);
  EXPECT_EQ(made.find_server("unheard of"), nullptr);
}

TEST(Catalog, HoldsEachServerOnceSortedById) {
  connector::v1::CatalogReply reply = reply_of_two_servers();
  reply.add_servers()->set_server_id("0000000000000000");  // without a tool
  *reply.add_servers() = reply.servers(0);

  const auto catalog = Catalog::from(reply);

  ASSERT_THAT(catalog, IsOk());
  const auto& servers = catalog.value()->servers();
  ASSERT_EQ(servers.size(), 3U);
  EXPECT_EQ(servers[0].id, "0000000000000000");
  EXPECT_EQ(servers[1].name, "zoo");
  EXPECT_EQ(servers[2].name, "attic");
}

TEST(Catalog, ReadsHintsAndTakesAnythingOddForNone) {
  const auto catalog = Catalog::from(reply_of_two_servers());

  ASSERT_THAT(catalog, IsOk());
  EXPECT_TRUE(catalog.value()->find("0000000000000001", "feed")->read_only_hint);
  EXPECT_FALSE(catalog.value()->find("0000000000000002", "sweep")->read_only_hint);
  EXPECT_FALSE(catalog.value()->find("0000000000000002", "look")->read_only_hint);
}

TEST(Catalog, BoundsTheNumberOfTools) {
  connector::v1::CatalogReply reply;
  auto* const server = reply.add_servers();
  for (std::size_t i = 0; i <= kCatalogToolsMax; ++i) {
    server->add_tools()->set_name(std::to_string(i));
  }

  EXPECT_THAT(Catalog::from(reply), HasCode(Code::Exhausted));
}

TEST(NameCheck, FindsNamesThatMatchNoToolOfAConnectedServer) {
  const auto catalog = Catalog::from(reply_of_two_servers()).value();
  const Policy policy = policy_of(R"({"mcp": {"client_configs": [
      {"name": "zoo", "connection_type": "stdio", "tools_to_execute": ["feed", "fede"], "tools_to_auto_execute": ["*"],
       "effect_classes": {"pet": "write"}},
      {"name": "later", "connection_type": "stdio", "tools_to_execute": ["anything"]}]}})");

  const auto unknown = unknown_names(policy, *catalog);

  ASSERT_EQ(unknown.size(), 2U);
  EXPECT_EQ(unknown[0].tool, "fede");
  EXPECT_EQ(unknown[0].setting, "tools_to_execute");
  EXPECT_EQ(unknown[1].tool, "pet");
  EXPECT_EQ(unknown[1].setting, "effect_classes");
}

}  // namespace
}  // namespace sluice::policy_engine
