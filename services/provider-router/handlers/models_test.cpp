#include "services/provider-router/handlers/models.h"

#include "services/provider-router/testing/router_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

TEST(ModelsHandler, ListsWhatIsConfiguredAndNamesTheDemo) {
  RouterFixture fixture;
  ModelsHandler handler(&fixture.routes, 1700000000);

  const auto reply = testing::run_sync(handler(provider::v1::ModelsRequest(), fixture.context()));

  ASSERT_THAT(reply, testing::IsOk());
  ASSERT_EQ(reply.value().models_size(), 2);
  EXPECT_EQ(reply.value().models(0).id(), "claude/haiku");
  EXPECT_EQ(reply.value().models(0).owned_by(), "claude");
  EXPECT_EQ(reply.value().models(1).id(), "demo/assistant");
  EXPECT_EQ(reply.value().models(1).owned_by(), "sluice-demo");
  EXPECT_EQ(reply.value().models(1).created_unix_s(), 1700000000);
}

}  // namespace
}  // namespace sluice::provider_router
