// Against a real HTTP server on the loopback.
#include "services/policy-engine/adapters/http_key_sets.h"

#include "services/policy-engine/limits.h"

#include "common/http/testing/loopback.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

const std::string kKeys = R"({"keys":[]})";

// An authorization server at /as whose metadata are found at the last place of three.
std::vector<http::Route> routes(std::vector<std::string>* asked) {
  const auto answer = [asked](std::string body) -> http::Handler {
    return [asked, body](http::HttpRequest request, RequestContext) -> Async<http::HttpResponse> {
      asked->push_back(request.path);
      std::string text = body;
      const std::string origin = "http://" + std::string(request.headers.get("host"));
      for (auto at = text.find("ORIGIN"); at != std::string::npos; at = text.find("ORIGIN")) {
        text.replace(at, 6, origin);
      }
      http::HttpResponse response;
      response.body = std::move(text);
      return [](http::HttpResponse ready) -> Async<http::HttpResponse> {
        co_return ready;
      }(std::move(response));
    };
  };
  return {
      {.method = "GET",
       .path = "/.well-known/openid-configuration/as",
       .handler = answer(R"({"issuer":"ORIGIN/other","jwks_uri":"ORIGIN/evil"})")},
      {.method = "GET",
       .path = "/as/.well-known/openid-configuration",
       .handler = answer(R"({"issuer":"ORIGIN/as","jwks_uri":"ORIGIN/as/keys"})")},
      {.method = "GET", .path = "/as/keys", .handler = answer(kKeys)},
      {.method = "GET", .path = "/evil", .handler = answer("{}")},
  };
}

class HttpKeySetsTest : public ::testing::Test {
 protected:
  Result<std::string> fetch(JwtIssuer issuer) {
    HttpKeySets key_sets(loopback.client.get());
    return loopback.run(key_sets.fetch(std::move(issuer), loopback.now() + kJwksTimeout));
  }

  JwtIssuer issuer(const std::string& path) {
    JwtIssuer made;
    made.issuer = loopback.url(path);
    made.allowed_private_networks = {"127.0.0.0/8"};
    return made;
  }

  std::vector<std::string> asked;
  http::testing::Loopback loopback{routes(&asked)};
};

TEST_F(HttpKeySetsTest, FindsTheKeysByTheIssuersMetadata) {
  const auto keys = fetch(issuer("/as"));

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys.value(), kKeys);
  EXPECT_EQ(
      asked,
      (std::vector<std::string>{
          "/.well-known/openid-configuration/as", "/as/.well-known/openid-configuration", "/as/keys"
      })
  );
}

TEST_F(HttpKeySetsTest, AsksNobodyElseWhereTheKeysAreConfigured) {
  JwtIssuer configured = issuer("/unknown");
  configured.jwks_url = loopback.url("/as/keys");

  EXPECT_THAT(fetch(configured), IsOk());
  EXPECT_EQ(asked, std::vector<std::string>{"/as/keys"});
}

TEST_F(HttpKeySetsTest, RefusesOtherAddressesStatusesAndIssuers) {
  JwtIssuer closed = issuer("/as");
  closed.allowed_private_networks.clear();
  EXPECT_THAT(fetch(closed), HasCode(Code::Denied));
  EXPECT_TRUE(asked.empty());

  EXPECT_THAT(fetch(issuer("/nobody")), HasCode(Code::Unavailable));
  JwtIssuer missing = issuer("/as");
  missing.jwks_url = loopback.url("/missing");
  EXPECT_THAT(fetch(missing), HasCode(Code::Unavailable));
  JwtIssuer other = issuer("/other");
  EXPECT_THAT(fetch(other), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::policy_engine
