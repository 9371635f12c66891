#include "services/mcp-connector/handlers/manage.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

class ManageTest : public ::testing::Test {
 protected:
  ManageTest() {
    fixture_.servers.push_back(stdio_server("elsewhere"));
    merged_ = std::make_unique<MergedCatalog>(MergedCatalog::Deps{
        .executor = fixture_.loop.executor(),
        .clock = &fixture_.loop.clock,
        .log = &fixture_.log,
        .pool = fixture_.pool.get(),
        .holders = &holders_,
        .known = &known_,
    });
    handler_ = std::make_unique<ManageHandler>(ManageHandler::Deps{
        .clock = &fixture_.loop.clock,
        .catalog = merged_.get(),
        .pool = fixture_.pool.get(),
        .servers = nullptr,  // manage_servers_test.cpp
        .token_keys = &fixture_.token_keys,
        .audit = &fixture_.recording,
        .oauth = nullptr,  // manage_oauth_test.cpp
    });
    fixture_.start();
  }

  ~ManageTest() override { EXPECT_THAT(fixture_.loop.finish(merged_->close()), IsOk()); }

  RequestContext admin() {
    auto claims = fixture_.claims();
    claims.add_roles("admin");
    auto context = fixture_.context();
    context.caller_token = grant::sign_token(fixture_.token_key, claims);
    return context;
  }

  static connector::v1::ManageRequest list() {
    connector::v1::ManageRequest request;
    request.mutable_list();
    return request;
  }

  static connector::v1::ManageRequest reconnect(const ServerId& id) {
    connector::v1::ManageRequest request;
    request.mutable_reconnect()->set_server_id(id.str());
    return request;
  }

  Result<connector::v1::ManageReply> send(
      connector::v1::ManageRequest request, RequestContext context
  ) {
    return fixture_.loop.finish((*handler_)(std::move(request), std::move(context)));
  }

  ConnectorFixture fixture_;
  FakeHolders holders_;
  KnownCatalogs known_{&fixture_.states};
  std::unique_ptr<MergedCatalog> merged_;
  std::unique_ptr<ManageHandler> handler_;
};

TEST_F(ManageTest, ListsServersWithConfigAndState) {
  const auto reply = send(list(), admin());

  ASSERT_THAT(reply, IsOk());
  ASSERT_EQ(reply.value().servers_size(), 2);
  EXPECT_EQ(reply.value().servers(0).config(), R"({"name":"files"})");
  EXPECT_EQ(reply.value().servers(0).catalog().state(), connector::v1::SERVER_STATE_CONNECTED);
}

TEST_F(ManageTest, NeedsAVerifiedAdmin) {
  auto anonymous = fixture_.context();
  anonymous.caller_token = "forged";

  EXPECT_THAT(send(list(), anonymous), HasCode(Code::Unauthenticated));
  EXPECT_THAT(send(list(), fixture_.context()), HasCode(Code::Denied));
  EXPECT_THAT(send(reconnect(fixture_.server_id()), fixture_.context()), HasCode(Code::Denied));
  EXPECT_THAT(send(connector::v1::ManageRequest(), admin()), HasCode(Code::Invalid));
  connector::v1::ManageRequest begin;
  begin.mutable_begin_authorization()->set_server_id(fixture_.server_id().str());
  EXPECT_THAT(send(std::move(begin), fixture_.context()), HasCode(Code::Denied));
}

TEST_F(ManageTest, ReconnectsItsOwnServerAndRecordsIt) {
  ASSERT_THAT(send(reconnect(fixture_.server_id()), admin()), IsOk());

  EXPECT_TRUE(fixture_.loop.advance_until(
      [this] { return fixture_.server.opened() == 2; }, std::chrono::seconds(1)
  ));
  EXPECT_EQ(fixture_.recording.with_action("server.reconnect").size(), 1U);
}

TEST_F(ManageTest, AsksTheHolderOfAnotherServerToReconnect) {
  const ServerId elsewhere = fixture_.servers[1].id;
  holders_.live[elsewhere.str()].set_server_id(elsewhere.str());

  ASSERT_THAT(send(reconnect(elsewhere), admin()), IsOk());

  EXPECT_EQ(holders_.reconnected, std::vector<std::string>{elsewhere.str()});
}

TEST_F(ManageTest, SaysWhichServersExist) {
  EXPECT_THAT(send(reconnect(ServerId("nope")), admin()), HasCode(Code::NotFound));
  EXPECT_THAT(send(reconnect(fixture_.servers[1].id), admin()), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::mcp_connector
