#include "services/ingress/handlers/servers.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class ServersHandlerTest : public ::testing::Test {
 protected:
  ServersHandlerTest() {
    auto* broken = fixture.servers.list_reply.add_servers();
    broken->set_config(R"({"name":"zeta","connection_type":"stdio"})");
    broken->mutable_catalog()->set_name("zeta");
    broken->mutable_catalog()->set_server_id("02");
    broken->mutable_catalog()->set_state(connector::v1::SERVER_STATE_ERROR);
    broken->mutable_catalog()->set_stage("connect");
    broken->mutable_catalog()->set_message("cannot start");
    auto* good = fixture.servers.list_reply.add_servers();
    good->set_config(R"({"name":"filesystem","client_id":"own"})");
    *good->mutable_catalog() = fixture.servers.catalog_reply.servers(0);
  }

  Result<http::HttpResponse> get(const std::string& query, const std::string& key = "sk-admin") {
    auto request = IngressFixture::request("", key);
    request.query = query;
    return fixture.run(fixture.server_list(std::move(request), fixture.context()));
  }

  json::Value list(const std::string& query) {
    const auto response = get(query);
    EXPECT_THAT(response, IsOk());
    return json::parse(response.value().body).value();
  }

  IngressFixture fixture;
};

TEST_F(ServersHandlerTest, ListsServersInBifrostsShape) {
  const json::Value body = list("");

  const auto& clients = *body.find("clients")->as_array();
  ASSERT_EQ(clients.size(), 2U);
  EXPECT_EQ(body.find("count")->as_int(), 2);
  EXPECT_EQ(body.find("total_count")->as_int(), 2);
  EXPECT_EQ(body.find("offset")->as_int(), 0);
  EXPECT_EQ(clients[0].find("config")->text_or("name", ""), "filesystem");
  EXPECT_EQ(clients[0].find("config")->text_or("client_id", ""), "own");
  EXPECT_EQ(clients[0].text_or("state", ""), "connected");
  EXPECT_EQ(clients[0].find("tools")->as_array()->size(), 3U);
  EXPECT_EQ(clients[1].find("config")->text_or("client_id", ""), "02");
  EXPECT_EQ(clients[1].text_or("state", ""), "error");
  EXPECT_EQ(clients[1].find("last_failure")->text_or("stage", ""), "connect");
}

TEST_F(ServersHandlerTest, PagesAndSearches) {
  EXPECT_EQ(list("limit=1").find("count")->as_int(), 1);
  EXPECT_EQ(list("limit=1").find("total_count")->as_int(), 2);
  EXPECT_EQ(list("offset=2").find("count")->as_int(), 0);
  EXPECT_EQ(list("search=ZET").find("total_count")->as_int(), 1);
  EXPECT_THAT(get("limit=x"), HasCode(Code::Invalid));
  EXPECT_THAT(get("offset=-1"), HasCode(Code::Invalid));
}

TEST_F(ServersHandlerTest, IsForAdminsOnly) {
  EXPECT_THAT(get("", "sk-user"), HasCode(Code::Denied));
  EXPECT_THAT(get("", ""), HasCode(Code::Unauthenticated));
}

TEST_F(ServersHandlerTest, IsUnavailableWithoutTheConnector) {
  fixture.servers.set_down(true);

  EXPECT_THAT(get(""), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::ingress
