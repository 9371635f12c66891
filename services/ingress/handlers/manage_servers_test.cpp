#include "services/ingress/handlers/manage_servers.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class ManageServersHandlerTest : public ::testing::Test {
 protected:
  ManageServersHandlerTest() {
    auto* server = fixture.servers.manage_reply.add_servers();
    server->set_config(R"({"name":"search","client_id":"0123456789abcdef"})");
    server->mutable_catalog()->set_name("search");
    server->mutable_catalog()->set_server_id("0123456789abcdef");
    server->mutable_catalog()->set_state(connector::v1::SERVER_STATE_CONNECTING);
  }

  static http::HttpRequest request(const std::string& body, const std::string& key = "sk-admin") {
    auto request = IngressFixture::request(body, key);
    request.path_parameters = {"search"};
    return request;
  }

  [[nodiscard]] const connector::v1::ManageRequest& sent() const {
    return fixture.servers.managed.back().first;
  }

  IngressFixture fixture;
  ManageServersHandler& handler = fixture.manage_servers;
};

TEST_F(ManageServersHandlerTest, AddsAServerAndShowsIt) {
  const auto response =
      fixture.run(handler.add(request(R"({"name":"search"})"), fixture.context()));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 200);
  EXPECT_EQ(sent().add().config(), R"({"name":"search"})");
  const auto body = json::parse(response.value().body).value();
  EXPECT_EQ(body.text_or("status", ""), "success");
  EXPECT_EQ(body.find("client")->text_or("state", ""), "connecting");
  EXPECT_EQ(body.find("client")->find("config")->text_or("client_id", ""), "0123456789abcdef");
}

TEST_F(ManageServersHandlerTest, PassesChangesOn) {
  ASSERT_THAT(
      fixture.run(handler.update(request(R"({"disabled":true})"), fixture.context())), IsOk()
  );
  EXPECT_EQ(sent().update().server_id(), "search");
  EXPECT_EQ(sent().update().config(), R"({"disabled":true})");

  ASSERT_THAT(fixture.run(handler.reconnect(request(""), fixture.context())), IsOk());
  EXPECT_EQ(sent().reconnect().server_id(), "search");

  const auto removed = fixture.run(handler.remove(request(""), fixture.context()));
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(sent().remove().server_id(), "search");
  EXPECT_EQ(json::parse(removed.value().body).value().find("client"), nullptr);
}

TEST_F(ManageServersHandlerTest, IsForAdminsOnly) {
  EXPECT_THAT(
      fixture.run(handler.add(request("{}", "sk-user"), fixture.context())), HasCode(Code::Denied)
  );
  EXPECT_THAT(
      fixture.run(handler.remove(request("", ""), fixture.context())),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_TRUE(fixture.servers.managed.empty());
}

TEST_F(ManageServersHandlerTest, HandsOnWhatTheConnectorSays) {
  fixture.servers.manage_error = Error(Code::Conflict, "stands in the configuration file");
  EXPECT_THAT(
      fixture.run(handler.update(request("{}"), fixture.context())), HasCode(Code::Conflict)
  );
  fixture.servers.set_down(true);
  EXPECT_THAT(
      fixture.run(handler.update(request("{}"), fixture.context())), HasCode(Code::Unavailable)
  );
}

}  // namespace
}  // namespace sluice::ingress
