#include "services/ingress/handlers/oauth_authorize.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class OAuthAuthorizeTest : public ::testing::Test {
 protected:
  Result<http::HttpResponse> post(
      const std::string& key = "sk-admin", const std::string& public_url = ""
  ) {
    OAuthAuthorizeHandler handler(
        {.admission = &fixture_.admission,
         .servers = &fixture_.servers,
         .public_url = public_url,
         .tls = false}
    );
    auto request = IngressFixture::request("", key);
    request.path_parameters = {"0123456789abcdef"};
    request.headers.set("host", "127.0.0.1:8080");
    return fixture_.run(handler(std::move(request), fixture_.context()));
  }

  IngressFixture fixture_;
};

TEST_F(OAuthAuthorizeTest, AnswersWhereTheBrowserGoes) {
  fixture_.servers.manage_reply.set_authorization_url("https://as.example/authorize?x=y");

  const auto response = post();

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().body, R"({"authorization_url":"https://as.example/authorize?x=y"})");
  ASSERT_EQ(fixture_.servers.managed.size(), 1U);
  const auto& begun = fixture_.servers.managed[0].first.begin_authorization();
  EXPECT_EQ(begun.server_id(), "0123456789abcdef");
  EXPECT_EQ(begun.redirect_uri(), "http://127.0.0.1:8080/api/mcp/oauth/callback");
  EXPECT_NE(fixture_.servers.managed[0].second.caller_token, "");
}

TEST_F(OAuthAuthorizeTest, BrowsersComeBackToThePublicUrl) {
  ASSERT_THAT(post("sk-admin", "https://gw.example/"), IsOk());

  EXPECT_EQ(
      fixture_.servers.managed.at(0).first.begin_authorization().redirect_uri(),
      "https://gw.example/api/mcp/oauth/callback"
  );
}

TEST_F(OAuthAuthorizeTest, TakesACallerWhoseTokenGoesToTheConnector) {
  EXPECT_THAT(post("sk-wrong"), HasCode(Code::Unauthenticated));
  EXPECT_TRUE(fixture_.servers.managed.empty());

  EXPECT_THAT(post("sk-user"), IsOk());
  EXPECT_NE(fixture_.servers.managed.at(0).second.caller_token, "");
}

TEST_F(OAuthAuthorizeTest, RefusalsOfTheConnectorAreHandedOn) {
  fixture_.servers.set_down(true);
  EXPECT_THAT(post(), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::ingress
