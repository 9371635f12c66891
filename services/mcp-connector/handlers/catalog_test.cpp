#include "services/mcp-connector/handlers/catalog.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

// The fixture's replica plus one server that another replica may hold, and one that is disabled.
class CatalogTest : public ::testing::Test {
 public:
  ~CatalogTest() override { EXPECT_THAT(fixture_.loop.finish(merged_->close()), IsOk()); }

 protected:
  CatalogTest() {
    fixture_.servers.push_back(stdio_server("elsewhere"));
    fixture_.servers.push_back(stdio_server("off"));
    fixture_.servers.back().disabled = true;
    merged_ = std::make_unique<MergedCatalog>(MergedCatalog::Deps{
        .executor = fixture_.loop.executor(),
        .clock = &fixture_.loop.clock,
        .log = &fixture_.log,
        .pool = fixture_.pool.get(),
        .holders = &holders_,
        .known = &known_,
    });
    handler_ = std::make_unique<CatalogHandler>(CatalogHandler::Deps{.catalog = merged_.get()});
    fixture_.start();
  }

  connector::v1::ServerCatalog elsewhere() {
    connector::v1::ServerCatalog catalog;
    catalog.set_server_id(fixture_.servers[1].id.str());
    catalog.set_name("elsewhere");
    catalog.set_state(connector::v1::SERVER_STATE_CONNECTED);
    catalog.set_holder("c2");
    catalog.set_definitions_hash("hash of c2");
    catalog.add_tools()->set_name("x");
    return catalog;
  }

  connector::v1::CatalogReply ask(const std::string& known_version = "") {
    connector::v1::CatalogRequest request;
    request.set_known_version(known_version);
    auto reply = fixture_.loop.finish((*handler_)(request, fixture_.context()));
    EXPECT_THAT(reply, IsOk());
    return reply.ok() ? reply.value() : connector::v1::CatalogReply();
  }

  ConnectorFixture fixture_;
  FakeHolders holders_;
  KnownCatalogs known_{&fixture_.states};
  std::unique_ptr<MergedCatalog> merged_;
  std::unique_ptr<CatalogHandler> handler_;
};

TEST_F(CatalogTest, MergesOwnServersWithThoseOfOtherHolders) {
  holders_.live[fixture_.servers[1].id.str()] = elsewhere();

  const auto reply = ask();

  ASSERT_EQ(reply.servers_size(), 3);
  EXPECT_EQ(reply.servers(0).holder(), "c1");
  EXPECT_EQ(reply.servers(0).tools_size(), 2);
  EXPECT_EQ(reply.servers(1).holder(), "c2");
  EXPECT_EQ(reply.servers(2).state(), connector::v1::SERVER_STATE_DISCONNECTED);
}

TEST_F(CatalogTest, AKnownVersionGetsNoServers) {
  const auto first = ask();
  const auto second = ask(first.version());

  EXPECT_EQ(second.version(), first.version());
  EXPECT_EQ(second.servers_size(), 0);
  EXPECT_EQ(first.version().size(), 32U);
}

TEST_F(CatalogTest, AnUnreachableServerKeepsItsToolsAndTheVersion) {
  holders_.live[fixture_.servers[1].id.str()] = elsewhere();
  fixture_.states.copies[fixture_.servers[1].id.str()] = elsewhere();
  const auto before = ask();

  holders_.live.clear();
  const auto after = ask();

  EXPECT_EQ(after.version(), before.version());
  EXPECT_EQ(after.servers(1).state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_EQ(after.servers(1).holder(), "");
  EXPECT_EQ(after.servers(1).tools_size(), 1);
  EXPECT_FALSE(after.servers(1).message().empty());
}

// Redis lost everything while no replica held the server.
TEST_F(CatalogTest, AnUnreachableServerSeenBeforeKeepsItsToolsWithoutACopy) {
  holders_.live[fixture_.servers[1].id.str()] = elsewhere();
  const auto before = ask();

  holders_.live.clear();
  fixture_.states.copies.clear();
  const auto emptied = ask();
  fixture_.states.set_down(true);
  const auto down = ask();

  EXPECT_EQ(emptied.version(), before.version());
  EXPECT_EQ(emptied.servers(1).tools_size(), 1);
  EXPECT_EQ(emptied.servers(1).state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_EQ(down.version(), before.version());
}

// A new holder that found no copy does not know the tools before it has connected.
TEST_F(CatalogTest, AConnectingServerKeepsTheToolsSeenBefore) {
  holders_.live[fixture_.servers[1].id.str()] = elsewhere();
  const auto before = ask();

  auto connecting = elsewhere();
  connecting.clear_tools();
  connecting.set_definitions_hash("of none");
  connecting.set_state(connector::v1::SERVER_STATE_CONNECTING);
  holders_.live[fixture_.servers[1].id.str()] = connecting;
  const auto after = ask();

  EXPECT_EQ(after.version(), before.version());
  EXPECT_EQ(after.servers(1).tools_size(), 1);
  EXPECT_EQ(after.servers(1).state(), connector::v1::SERVER_STATE_CONNECTING);
}

TEST_F(CatalogTest, AConnectingServerKeepsWhatItOffersBesidesTools) {
  auto offering = elsewhere();
  offering.clear_tools();
  offering.add_resources()->set_key("a://1");
  offering.add_resource_templates()->set_key("a://{b}");
  offering.add_prompts()->set_key("p");
  offering.set_completions(true);
  holders_.live[fixture_.servers[1].id.str()] = offering;
  const auto before = ask();

  auto connecting = elsewhere();
  connecting.clear_tools();
  connecting.set_definitions_hash("of none");
  connecting.set_state(connector::v1::SERVER_STATE_CONNECTING);
  holders_.live[fixture_.servers[1].id.str()] = connecting;
  const auto after = ask();
  holders_.live.clear();
  const auto gone = ask();

  EXPECT_EQ(after.version(), before.version());
  EXPECT_EQ(after.servers(1).state(), connector::v1::SERVER_STATE_CONNECTING);
  for (const auto& reply : {after, gone}) {
    EXPECT_EQ(reply.servers(1).resources_size(), 1);
    EXPECT_EQ(reply.servers(1).resource_templates_size(), 1);
    EXPECT_EQ(reply.servers(1).prompts_size(), 1);
    EXPECT_TRUE(reply.servers(1).completions());
  }
}

TEST_F(CatalogTest, AConnectedServerThatListsNothingHasNoToolsAnyMore) {
  holders_.live[fixture_.servers[1].id.str()] = elsewhere();
  const auto before = ask();

  auto none = elsewhere();
  none.clear_tools();
  none.set_definitions_hash("of none");
  holders_.live[fixture_.servers[1].id.str()] = none;
  const auto after = ask();

  EXPECT_NE(after.version(), before.version());
  EXPECT_EQ(after.servers(1).tools_size(), 0);
}

TEST_F(CatalogTest, AnUnknownServerWithoutACopyIsListedEmpty) {
  fixture_.states.set_down(true);

  const auto reply = ask();

  EXPECT_EQ(reply.servers(1).state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_EQ(reply.servers(1).tools_size(), 0);
}

TEST_F(CatalogTest, ACancelledAskLeavesNothingBehind) {
  auto running =
      fixture_.loop.start((*handler_)(connector::v1::CatalogRequest(), fixture_.context()));

  running->cancel();

  EXPECT_TRUE(fixture_.loop.advance_until([&running] { return running->done(); }));
  EXPECT_THAT(fixture_.loop.finish(merged_->close()), IsOk());
}

TEST_F(CatalogTest, ReconnectOfAnUnknownServerIsNotFound) {
  EXPECT_THAT(
      fixture_.loop.finish(merged_->reconnect("nope", fixture_.context())), HasCode(Code::NotFound)
  );
}

}  // namespace
}  // namespace sluice::mcp_connector
