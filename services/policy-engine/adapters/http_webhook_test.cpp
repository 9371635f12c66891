// Against a real HTTP server on the loopback.
#include "services/policy-engine/adapters/http_webhook.h"

#include "services/policy-engine/limits.h"

#include "common/http/testing/loopback.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr std::int64_t kNow = 1'800'000'000'123;

Async<http::HttpResponse> ready(http::HttpResponse response) {
  co_return response;
}

class HttpWebhookTest : public ::testing::Test {
 protected:
  Result<int> post(const std::string& path, std::vector<std::string> networks = {"127.0.0.0/8"}) {
    Webhook webhook;
    webhook.url = loopback.url(path);
    webhook.key = Secret<std::string>("0123456789abcdef01234567");
    webhook.allowed_private_networks = std::move(networks);
    WebhookEvent event;
    event.id = "01a00000-0000-7000-8000-000000000001";
    event.body = R"({"type":"approval.created"})";
    HttpWebhook receiver(loopback.client.get());
    return loopback.run(receiver.post(
        std::make_shared<const Webhook>(std::move(webhook)),
        event,
        kNow,
        loopback.now() + kWebhookTimeout
    ));
  }

  http::Handler answering(int status) {
    return [this, status](http::HttpRequest request, RequestContext) {
      seen.push_back(std::move(request));
      http::HttpResponse response{.status = status, .headers = {}, .body = {}};
      if (status == 302) {
        response.headers.add("location", "/taken");
      }
      return ready(std::move(response));
    };
  }

  std::vector<http::HttpRequest> seen;
  http::testing::Loopback loopback{
      {{.method = "POST", .path = "/taken", .body_bytes_max = 1'024, .handler = answering(204)},
       {.method = "POST", .path = "/moved", .body_bytes_max = 1'024, .handler = answering(302)}}
  };
};

TEST_F(HttpWebhookTest, PostsTheBodyWithItsSignature) {
  const auto status = post("/taken");

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 204);
  ASSERT_EQ(seen.size(), 1U);
  const http::HttpRequest& request = seen[0];
  EXPECT_EQ(request.body, R"({"type":"approval.created"})");
  EXPECT_EQ(request.headers.get("content-type"), "application/json");
  EXPECT_EQ(request.headers.get("webhook-id"), "01a00000-0000-7000-8000-000000000001");
  EXPECT_EQ(request.headers.get("webhook-timestamp"), "1800000000");
  EXPECT_EQ(
      request.headers.get("webhook-signature"),
      webhook_signature(
          Secret<std::string>("0123456789abcdef01234567"),
          "01a00000-0000-7000-8000-000000000001",
          1'800'000'000,
          request.body
      )
  );
}

TEST_F(HttpWebhookTest, FollowsNoRedirect) {
  const auto status = post("/moved");

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 302);
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(HttpWebhookTest, GoesToNoAddressThatIsNotAllowed) {
  EXPECT_THAT(post("/taken", {}), HasCode(Code::Denied));
  EXPECT_TRUE(seen.empty());
}

}  // namespace
}  // namespace sluice::policy_engine
