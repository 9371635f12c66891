#include "common/http/internal/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using ::testing::ElementsAre;

Async<HttpResponse> nothing(HttpRequest, RequestContext) {
  co_return HttpResponse();
}

Async<void> nothing_streamed(HttpRequest, ResponseWriter*, RequestContext) {
  co_return Result<void>();
}

Route route(std::string method, std::string path, Dialect dialect = Dialect::OpenAi) {
  Route out;
  out.method = std::move(method);
  out.path = std::move(path);
  out.dialect = dialect;
  out.handler = nothing;
  return out;
}

Route stream_route(std::string method, std::string path) {
  Route out = route(std::move(method), std::move(path));
  out.handler = {};
  out.stream_handler = nothing_streamed;
  return out;
}

TEST(Router, FindsExactPathsByMethod) {
  const Router router({route("GET", "/v1/models"), route("POST", "/v1/models", Dialect::Plain)});
  EXPECT_EQ(router.match("GET", "/v1/models").route->method, "GET");
  EXPECT_EQ(router.match("POST", "/v1/models").dialect, Dialect::Plain);
  EXPECT_TRUE(router.match("GET", "/v1/models").allow.empty());
}

TEST(Router, TellsTheAllowedMethodsOfAKnownPath) {
  const Router router(
      {route("GET", "/a", Dialect::Anthropic), route("POST", "/a", Dialect::Anthropic)}
  );
  const auto match = router.match("DELETE", "/a");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, POST");
  EXPECT_EQ(match.dialect, Dialect::Anthropic);
}

TEST(Router, KnowsNothingOfOtherPaths) {
  const Router router({route("GET", "/a"), route("GET", "/mcp/{slug}")});
  for (const char* path : {"/", "/b", "/A", "/a/", "/a/b", "/mcp", "/mcp/", "/mcp/x/y", "/MCP/x"}) {
    const auto match = router.match("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_TRUE(match.allow.empty()) << path;
  }
}

TEST(Router, FillsParametersDecoded) {
  const Router router(
      {route("GET", "/api/{kind}/client/{id}"), route("DELETE", "/api/{kind}/client/{id}")}
  );
  const auto match = router.match("DELETE", "/api/mcp/client/a%20b");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->method, "DELETE");
  EXPECT_THAT(match.parameters, ElementsAre("mcp", "a b"));
  EXPECT_EQ(router.match("POST", "/api/mcp/client/x").allow, "GET, DELETE");
}

TEST(Router, PrefersExactPathsToTemplates) {
  const Router router({route("GET", "/a/{id}"), route("GET", "/a/b")});
  EXPECT_EQ(router.match("GET", "/a/b").route->path, "/a/b");
  EXPECT_EQ(router.match("GET", "/a/c").route->path, "/a/{id}");
}

TEST(Router, LetsGetAnswerHeadUnlessItStreams) {
  const Router router({route("GET", "/a"), stream_route("GET", "/s")});
  EXPECT_EQ(router.match("HEAD", "/a").route->method, "GET");
  EXPECT_EQ(router.match("HEAD", "/s").route, nullptr);
  EXPECT_EQ(router.match("HEAD", "/s").allow, "GET");
}

}  // namespace
}  // namespace sluice::http
