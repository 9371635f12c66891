#include "services/mcp-connector/handlers/server_catalog.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

class ServerCatalogTest : public ::testing::Test {
 protected:
  Result<connector::v1::ServerCatalogReply> ask(const std::string& id, bool reconnect = false) {
    connector::v1::ServerCatalogRequest request;
    request.set_server_id(id);
    request.set_reconnect(reconnect);
    return fixture_.loop.finish(handler_(request, fixture_.context()));
  }

  ConnectorFixture fixture_;
  ServerCatalogHandler handler_{{.pool = fixture_.pool.get()}};
};

TEST_F(ServerCatalogTest, AnswersStateAndToolsSortedByName) {
  fixture_.start();

  const auto reply = ask(fixture_.server_id().str());

  ASSERT_THAT(reply, IsOk());
  const auto& catalog = reply.value().catalog();
  EXPECT_EQ(catalog.state(), connector::v1::SERVER_STATE_CONNECTED);
  EXPECT_EQ(catalog.protocol_version(), "2025-11-25");
  EXPECT_GT(catalog.lease_epoch(), 0U);
  ASSERT_EQ(catalog.tools_size(), 2);
  EXPECT_EQ(catalog.tools(0).name(), "read_file");
  EXPECT_EQ(catalog.tools(0).definition_hash().size(), 32U);
}

TEST_F(ServerCatalogTest, WithoutTheLeaseItIsUnavailable) {
  EXPECT_THAT(ask(fixture_.server_id().str()), HasCode(Code::Unavailable));
  EXPECT_THAT(ask("0123456789abcdef"), HasCode(Code::Unavailable));
}

TEST_F(ServerCatalogTest, ReconnectsWhenAsked) {
  fixture_.start();

  ASSERT_THAT(ask(fixture_.server_id().str(), true), IsOk());

  EXPECT_TRUE(fixture_.loop.advance_until(
      [this] { return fixture_.server.opened() == 2; }, std::chrono::seconds(1)
  ));
}

}  // namespace
}  // namespace sluice::mcp_connector
