#include "services/ingress/handlers/protected_resource.h"

#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;

TEST(ProtectedResourceHandler, AnswersAnybody) {
  boost::asio::io_context loop{1};
  const ProtectedResource resource{
      .public_url = "https://gw.example",
      .authorization_servers = {"https://login.example"},
      .scopes = {"sluice:use"},
      .needed_scope = "sluice:use"
  };
  const ProtectedResourceHandler handler(&resource);

  const auto response = sluice::testing::run_sync(loop, handler("Dev"));

  ASSERT_THAT(response, IsOk());
  EXPECT_TRUE(handler.is_configured());
  EXPECT_EQ(response.value().status, 200);
  EXPECT_EQ(response.value().body, resource.metadata("Dev"));
  EXPECT_EQ(response.value().headers.get("content-type"), "application/json");
}

}  // namespace
}  // namespace sluice::ingress
