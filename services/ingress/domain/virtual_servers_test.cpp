#include "services/ingress/domain/virtual_servers.h"

#include "services/ingress/routes.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kInitialize =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";
const std::string kList = R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})";

TEST(VirtualServers, SlugsAreWhatPathsCanHold) {
  for (const std::string& good : {std::string("dev"), std::string("a-1"), std::string(64, 'a')}) {
    EXPECT_TRUE(is_slug(good)) << good;
    EXPECT_EQ(slug_of("/mcp/" + good), good);
  }
  for (const std::string& bad :
       {std::string(),
        std::string("Dev"),
        std::string("a/b"),
        std::string("a.b"),
        std::string(65, 'a')}) {
    EXPECT_FALSE(is_slug(bad)) << bad;
    EXPECT_EQ(slug_of("/mcp/" + bad), "");
  }
  EXPECT_EQ(slug_of("/mcp"), "");
  EXPECT_EQ(slug_of("/v1/dev"), "");
}

// Requests go through the routes, as the server would send them.
class VirtualServersTest : public ::testing::Test {
 protected:
  VirtualServersTest() {
    const VirtualServer dev{
        .slug = "dev",
        .description = "reads",
        .selection = Narrowing::of({"filesystem-read_file"}, {})
    };
    const VirtualServer ops{
        .slug = "ops", .description = "", .selection = Narrowing::of({"*"}, {"*"})
    };
    add_mcp_routes(&table, &fixture.mcp, std::nullopt);
    add_mcp_routes(&table, &fixture.mcp, dev);
    add_mcp_routes(&table, &fixture.mcp, ops);
  }

  http::HttpRequest request(
      const std::string& path, const std::string& body, const std::string& session
  ) {
    auto made = IngressFixture::request(body, "sk-user");
    made.path = path;
    made.headers.add("accept", "application/json, text/event-stream");
    if (!session.empty()) {
      made.headers.add("Mcp-Session-Id", session);
    }
    return made;
  }

  const http::Route& route(const std::string& method, const std::string& path) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const http::Route& one) {
      return one.method == method && one.path == path;
    });
    EXPECT_NE(found, table.end());
    return *found;
  }

  int send(const std::string& method, http::HttpRequest made) {
    const http::Route& to = route(method, made.path);
    writer = std::make_unique<http::testing::RecordingResponseWriter>();
    EXPECT_THAT(
        fixture.run(to.stream_handler(std::move(made), writer.get(), fixture.context())), IsOk()
    );
    return writer->status();
  }

  int post(const std::string& path, const std::string& body, const std::string& session = "") {
    return send("POST", request(path, body, session));
  }

  int end(const std::string& path, const std::string& session) {
    const auto response =
        fixture.run(route("DELETE", path).handler(request(path, "", session), fixture.context()));
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response.value().status : 0;
  }

  std::string open(const std::string& path) {
    EXPECT_EQ(post(path, kInitialize), 200);
    return std::string(writer->headers().get("mcp-session-id"));
  }

  static std::string call(const std::string& tool) {
    return R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":")" + tool +
           R"(","arguments":{"path":"/tmp/a","content":"b"}}})";
  }

  IngressFixture fixture;
  std::vector<http::Route> table;
  std::unique_ptr<http::testing::RecordingResponseWriter> writer;
};

TEST_F(VirtualServersTest, ServeTheirPartOnly) {
  const std::string dev = open("/mcp/dev");
  EXPECT_EQ(post("/mcp/dev", kList, dev), 200);
  EXPECT_THAT(writer->body(), HasSubstr("filesystem-read_file"));
  EXPECT_THAT(writer->body(), Not(HasSubstr("filesystem-write_file")));

  EXPECT_EQ(post("/mcp/dev", call("filesystem-read_file"), dev), 200);
  EXPECT_THAT(writer->body(), HasSubstr("done"));
  EXPECT_EQ(post("/mcp/dev", call("filesystem-write_file"), dev), 200);
  EXPECT_THAT(writer->body(), HasSubstr("isError"));
  EXPECT_EQ(fixture.servers.requests.size(), 1U);

  const std::string ops = open("/mcp/ops");
  EXPECT_EQ(post("/mcp/ops", kList, ops), 200);
  EXPECT_THAT(writer->body(), HasSubstr("filesystem-write_file"));
}

TEST_F(VirtualServersTest, IncludeHeadersNarrowButNeverWiden) {
  const std::string dev = open("/mcp/dev");
  for (const auto& [value, seen] :
       {std::pair("*", true),
        std::pair("filesystem-*", true),
        std::pair("filesystem-write_file", false),
        std::pair("", false)}) {
    auto made = request("/mcp/dev", kList, dev);
    made.headers.add("x-sluice-include-tools", value);
    EXPECT_EQ(send("POST", std::move(made)), 200);
    EXPECT_EQ(writer->body().find("filesystem-read_file") != std::string::npos, seen) << value;
    EXPECT_THAT(writer->body(), Not(HasSubstr("filesystem-write_file"))) << value;
  }
  auto twice = request("/mcp/dev", kList, dev);
  twice.headers.add("x-sluice-include-tools", "*");
  twice.headers.add("x-bf-mcp-include-tools", "*");
  send("POST", std::move(twice));
  EXPECT_THAT(writer->body(), HasSubstr("error"));
}

TEST_F(VirtualServersTest, SessionsBelongToTheirPath) {
  const std::string whole = open("/mcp");
  const std::string dev = open("/mcp/dev");

  for (const auto& [path, session, status] :
       {std::tuple("/mcp", whole, 200),
        std::tuple("/mcp/dev", dev, 200),
        std::tuple("/mcp", dev, 404),
        std::tuple("/mcp/dev", whole, 404),
        std::tuple("/mcp/ops", dev, 404)}) {
    EXPECT_EQ(post(path, kList, session), status) << path << " " << session;
  }
  EXPECT_EQ(send("GET", request("/mcp/ops", "", dev)), 404);
  EXPECT_EQ(end("/mcp", dev), 404);
  EXPECT_EQ(end("/mcp/dev", dev), 200);
  EXPECT_EQ(post("/mcp/dev", kList, dev), 404);
}

}  // namespace
}  // namespace sluice::ingress
