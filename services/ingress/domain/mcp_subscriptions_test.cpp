#include "services/ingress/domain/mcp_subscriptions.h"

#include "services/ingress/limits.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

// Servers "a" and "b", of which both have test://x.
Offerings both() {
  connector::v1::CatalogReply catalog;
  for (const char* name : {"a", "b"}) {
    auto& server = *catalog.add_servers();
    server.set_server_id(name);
    server.set_name(name);
    auto& resource = *server.add_resources();
    resource.set_key("test://x");
    resource.set_definition(R"({"uri":"test://x"})");
  }
  auto& pattern = *catalog.mutable_servers(1)->add_resource_templates();
  pattern.set_key("item://{id}");
  pattern.set_definition(R"({"uriTemplate":"item://{id}"})");
  return Offerings::build(catalog, {"a", "b"});
}

using Uris = std::vector<std::string>;

TEST(McpSubscriptions, AChangeConcernsWhoSubscribedUnderTheNameItKnows) {
  const Uris subscribed{"test://x", "sluice://b/test://x", "item://1", "gone://1"};
  const Offerings offerings = both();

  EXPECT_EQ(updated_among(subscribed, offerings, {{"a", "test://x"}}), Uris{"test://x"});
  EXPECT_EQ(updated_among(subscribed, offerings, {{"b", "test://x"}}), Uris{"sluice://b/test://x"});
  EXPECT_EQ(updated_among(subscribed, offerings, {{"b", "item://1"}}), Uris{"item://1"});
  EXPECT_EQ(updated_among(subscribed, offerings, {{"b", "item://2"}, {"c", "gone://1"}}), Uris());
  EXPECT_EQ(updated_among({}, offerings, {{"a", "test://x"}}), Uris());
}

TEST(McpSubscriptions, TooManyChangesAreAChangeOfAll) {
  ResourceUpdates updates;
  for (std::size_t i = 0; i < kMcpUpdatesMax; ++i) {
    updates.emplace("c", std::to_string(i));
  }
  EXPECT_EQ(updated_among({"test://x", "gone://1"}, both(), updates), Uris{"test://x"});
}

}  // namespace
}  // namespace sluice::ingress
