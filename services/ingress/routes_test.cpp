#include "services/ingress/routes.h"

#include "services/ingress/testing/ingress_fixture.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::ingress {
namespace {

class NoSetup final : public SetupPort {
 public:
  Async<policy::v1::SetupReply> setup(policy::v1::SetupRequest, RequestContext) override {
    co_return policy::v1::SetupReply();
  }
};

// The handlers are not called.
std::vector<http::Route> table_of(IngressFixture& fixture) {
  NoSetup no_setup;
  ManageKeysHandler keys({.admission = &fixture.admission, .policy = &fixture.policy});
  SetupHandler setup({.policy = &no_setup, .audit = &fixture.audit});
  ManageRunsHandler runs({.admission = &fixture.admission, .runs = nullptr});
  return routes(
      {fixture.chat,
       fixture.embeddings,
       fixture.models,
       fixture.execute,
       fixture.server_list,
       fixture.manage_servers,
       fixture.manage_policy,
       fixture.manage_pins,
       fixture.approvals_api,
       fixture.mcp,
       fixture.oauth_authorize,
       fixture.oauth_callback,
       keys,
       setup,
       nullptr,
       nullptr,
       &runs},
      std::chrono::seconds(40),
      {{.slug = "dev", .description = "", .selection = Narrowing::of({"filesystem-read_file"}, {})}}
  );
}

TEST(Routes, AreUniqueBoundedAndAnsweredByOneHandler) {
  IngressFixture fixture;
  std::set<std::string> seen;
  for (const auto& route : table_of(fixture)) {
    EXPECT_TRUE(seen.insert(route.method + " " + route.path).second) << route.path;
    EXPECT_NE(static_cast<bool>(route.handler), static_cast<bool>(route.stream_handler))
        << route.path;
    EXPECT_EQ(route.body_bytes_max > 0, route.method == "POST" || route.method == "PUT")
        << route.path;
    EXPECT_LE(route.body_bytes_max, kBodyBytesMax);
    EXPECT_GT(route.timeout.count(), 0);
  }
}

TEST(Routes, HoldTheSurfaceOfManualMode) {
  IngressFixture fixture;
  std::set<std::string> paths;
  for (const auto& route : table_of(fixture)) {
    paths.insert(route.method + " " + route.path);
  }
  EXPECT_EQ(
      paths,
      (std::set<std::string>{
          "DELETE /api/mcp/client/{id}",
          "DELETE /mcp",
          "DELETE /mcp/dev",
          "GET /api/pins",
          "GET /api/limits",
          "GET /api/runs",
          "GET /api/runs/{id}",
          "POST /api/runs/{id}/cancel",
          "GET /api/pins/{server}",
          "POST /api/pins/{server}",
          "GET /api/approvals",
          "GET /api/approvals/{id}",
          "GET /api/approvals/events",
          "POST /api/approvals/{id}",
          "DELETE /api/keys/{id}",
          "GET /api/keys",
          "GET /api/keys/{id}",
          "POST /api/keys",
          "POST /api/setup",
          "PUT /api/keys/{id}",
          "GET /api/mcp/clients",
          "GET /api/mcp/oauth/callback",
          "GET /api/policy",
          "GET /mcp",
          "GET /mcp/dev",
          "GET /openai/v1/models",
          "GET /v1/models",
          "POST /api/mcp/client",
          "POST /api/mcp/client/{id}/authorize",
          "POST /api/mcp/client/{id}/reconnect",
          "POST /api/policy/explain",
          "POST /api/policy/reload",
          "POST /mcp",
          "POST /mcp/dev",
          "POST /openai/v1/chat/completions",
          "POST /openai/v1/embeddings",
          "POST /v1/chat/completions",
          "POST /v1/embeddings",
          "POST /v1/mcp/tool/execute",
          "PUT /api/mcp/client/{id}",
      })
  );
}

}  // namespace
}  // namespace sluice::ingress
