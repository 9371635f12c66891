#include "services/ingress/handlers/oauth_callback.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

class OAuthCallbackTest : public ::testing::Test {
 protected:
  http::HttpResponse get(const std::string& query) {
    OAuthCallbackHandler handler({.servers = &fixture_.servers});
    http::HttpRequest request;
    request.query = query;
    auto response = fixture_.run(handler(std::move(request), fixture_.context()));
    EXPECT_THAT(response, IsOk());
    return std::move(response).value();
  }

  IngressFixture fixture_;
};

TEST_F(OAuthCallbackTest, HandsOnWhatCameBackWithoutACaller) {
  const auto response = get("state=s%2B1&code=c&iss=https%3A%2F%2Fas.example&session_state=x");

  EXPECT_EQ(response.status, 200);
  ASSERT_EQ(fixture_.servers.managed.size(), 1U);
  const auto& finish = fixture_.servers.managed[0].first.finish_authorization();
  EXPECT_EQ(finish.state(), "s+1");
  EXPECT_EQ(finish.code(), "c");
  EXPECT_EQ(finish.iss(), "https://as.example");
  EXPECT_EQ(finish.error(), "");
}

TEST_F(OAuthCallbackTest, ThePageShowsNothingOfTheRequestAndIsNotFramed) {
  fixture_.servers.manage_error = Error(Code::Denied, "<script>alert(1)</script>");

  const auto response =
      get("state=s&error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E");

  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, Not(HasSubstr("script")));
  EXPECT_THAT(
      std::string(response.headers.get("content-security-policy")),
      HasSubstr("frame-ancestors 'none'")
  );
  EXPECT_EQ(response.headers.get("referrer-policy"), "no-referrer");
  EXPECT_EQ(response.headers.get("cache-control"), "no-store");
}

TEST_F(OAuthCallbackTest, WhatIsNoAnswerReachesNobody) {
  EXPECT_EQ(get("").status, 400);
  EXPECT_EQ(get("code=c").status, 400);
  EXPECT_EQ(get("state=%zz").status, 400);
  EXPECT_EQ(get("state=s&code=" + std::string(kOAuthCallbackBytesMax, 'c')).status, 400);
  EXPECT_TRUE(fixture_.servers.managed.empty());
}

TEST_F(OAuthCallbackTest, ASilentConnectorIsToldApart) {
  fixture_.servers.set_down(true);
  EXPECT_EQ(get("state=s&code=c").status, 503);
}

}  // namespace
}  // namespace sluice::ingress
