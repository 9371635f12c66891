#include "services/ingress/handlers/mcp_sse.h"

#include "services/ingress/limits.h"
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
using ::testing::StartsWith;

const std::string kInitialize =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";
const std::string kList = R"({"jsonrpc":"2.0","id":"two","method":"tools/list"})";

// One GET /sse under way.
struct Stream {
  http::testing::RecordingResponseWriter writer;
  std::optional<Result<void>> ended;

  [[nodiscard]] std::string post_path() const {
    const std::string first = writer.writes().empty() ? "" : writer.writes().front();
    const auto begin = first.find("data: ");
    return begin == std::string::npos
               ? ""
               : first.substr(begin + 6, first.find('\n', begin) - begin - 6);
  }
};

class McpSseTest : public ::testing::Test {
 protected:
  McpSseTest() {
    handler = std::make_unique<McpSseHandler>(McpSseHandler::Deps{
        .admission = &fixture.admission,
        .mcp = &fixture.mcp,
        .tasks = &fixture.tasks,
        .clock = &fixture.clock,
        .resource = nullptr,
        .allowed_origins = {"https://app.example"}
    });
  }

  void turn() {
    for (int i = 0; i < 30; ++i) {
      fixture.loop.restart();
      fixture.loop.poll();
    }
  }

  Stream& open(http::HttpRequest request) {
    opened.push_back(std::make_unique<Stream>());
    Stream* const stream = opened.back().get();
    request.method = "GET";
    request.path = "/sse";
    fixture.tasks.spawn("stream", run(stream, std::move(request)));
    turn();
    return *stream;
  }

  Stream& open(const std::string& key = "sk-user") {
    return open(IngressFixture::request("", key));
  }

  Async<void> run(Stream* stream, http::HttpRequest request) {
    stream->ended =
        co_await handler->listen(std::move(request), &stream->writer, fixture.context());
    co_return Result<void>();
  }

  int post(const std::string& path, const std::string& body, const std::string& key = "sk-user") {
    http::HttpRequest request = IngressFixture::request(body, key);
    const auto mark = path.find('?');
    request.path = path.substr(0, mark);
    request.query = mark == std::string::npos ? "" : path.substr(mark + 1);
    return post(std::move(request));
  }

  int post(http::HttpRequest request) {
    const auto response = fixture.run(handler->post(std::move(request), fixture.context()));
    turn();
    if (!response.ok()) {
      return response.error().code() == Code::NotFound ? 404 : 400;
    }
    return response.value().status;
  }

  // policy-engine beats all the while.
  void pass(Duration time) {
    for (Duration left = time; left > Duration::zero(); left -= std::chrono::seconds(1)) {
      fixture.clock.advance(std::chrono::seconds(1));
      fixture.beat(fixture.policy.policy_version);
      turn();
    }
  }

  std::vector<std::unique_ptr<Stream>> opened;  // both outlive the tasks that use them
  std::unique_ptr<McpSseHandler> handler;
  IngressFixture fixture;
};

TEST_F(McpSseTest, AnswersComeOnTheStream) {
  Stream& stream = open();
  EXPECT_EQ(stream.writer.status(), 200);
  EXPECT_EQ(stream.writer.headers().get("content-type"), "text/event-stream");
  EXPECT_THAT(stream.writer.body(), StartsWith("event: endpoint\n"));
  EXPECT_THAT(stream.post_path(), StartsWith("/sse/message?session="));

  EXPECT_EQ(post(stream.post_path(), kInitialize), 202);
  EXPECT_THAT(stream.writer.body(), HasSubstr("\"protocolVersion\":\"2024-11-05\""));
  EXPECT_THAT(stream.writer.body(), HasSubstr("event: message\n"));
  EXPECT_EQ(
      post(stream.post_path(), R"({"jsonrpc":"2.0","method":"notifications/initialized"})"), 202
  );
  EXPECT_EQ(post(stream.post_path(), kList), 202);
  EXPECT_THAT(stream.writer.body(), HasSubstr("\"id\":\"two\""));
  EXPECT_THAT(stream.writer.body(), HasSubstr("filesystem-read_file"));
  EXPECT_EQ(
      post(
          stream.post_path(),
          R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"filesystem-read_file","arguments":{"path":"/tmp/a"}}})"
      ),
      202
  );
  EXPECT_THAT(stream.writer.body(), HasSubstr("done"));
  EXPECT_FALSE(stream.ended);
}

TEST_F(McpSseTest, ChangesAreToldUnasked) {
  Stream& stream = open();
  EXPECT_EQ(post(stream.post_path(), kInitialize), 202);
  add_tool(
      fixture.servers.catalog_reply, "filesystem", "new", R"({"name":"new","inputSchema":{}})"
  );
  show_tool(fixture.policy.shown, "filesystem", "new", policy::v1::EFFECT_CLASS_READ);
  fixture.servers.catalog_reply.set_version("2");
  fixture.policy.shown.set_catalog_version("2");
  fixture.versions.catalog_changed();
  turn();
  pass(std::chrono::seconds(2));

  EXPECT_THAT(stream.writer.body(), HasSubstr("notifications/tools/list_changed"));
}

TEST_F(McpSseTest, AKeyIsRequiredAndASessionIsItsOwnersOnly) {
  EXPECT_EQ(open("").writer.status(), 401);
  EXPECT_EQ(open("").writer.headers().get("www-authenticate"), "Bearer");
  EXPECT_EQ(open("sk-nobody").writer.status(), 401);
  Stream& stream = open();
  EXPECT_EQ(post(stream.post_path(), kInitialize, ""), 401);
  EXPECT_EQ(post(stream.post_path(), kInitialize, "sk-admin"), 404);
  EXPECT_EQ(post("/sse/message?session=00", kInitialize), 404);
  EXPECT_EQ(post("/sse/message", kInitialize), 404);
  EXPECT_EQ(post("/sse/message?session=%zz", kInitialize), 404);
  EXPECT_THAT(stream.writer.body(), Not(HasSubstr("protocolVersion")));
  EXPECT_NE(open().post_path(), stream.post_path());
}

TEST_F(McpSseTest, RefusesPagesOfOthers) {
  auto foreign = IngressFixture::request("");
  foreign.headers.add("origin", "https://evil.example");
  EXPECT_EQ(open(foreign).writer.status(), 403);
  EXPECT_FALSE(opened.back()->writer.headers().has("www-authenticate"));
  Stream& stream = open();
  foreign.body = kInitialize;
  foreign.query = "session=x";
  EXPECT_EQ(post(foreign), 403);
  auto own = IngressFixture::request("");
  own.headers.add("origin", "https://app.example");
  EXPECT_EQ(open(own).writer.status(), 200);
  EXPECT_FALSE(stream.ended);
}

TEST_F(McpSseTest, RefusesWhatIsNoMessage) {
  Stream& stream = open();
  EXPECT_EQ(post(stream.post_path(), "{"), 400);
  EXPECT_EQ(post(stream.post_path(), "[]"), 400);
}

TEST_F(McpSseTest, ARequestBeforeInitializeIsAnswered) {
  Stream& stream = open();
  EXPECT_EQ(post(stream.post_path(), kList), 202);
  EXPECT_THAT(stream.writer.body(), HasSubstr("error"));
}

TEST_F(McpSseTest, QuietStreamsAreKeptAliveWhileTheKeyHolds) {
  Stream& stream = open();
  pass(kMcpKeepAlive + std::chrono::seconds(1));
  EXPECT_THAT(stream.writer.body(), HasSubstr(": keep-alive"));
  EXPECT_FALSE(stream.ended);

  fixture.policy.remove_caller("sk-user");
  pass(std::chrono::seconds(90));
  EXPECT_TRUE(stream.ended);
  EXPECT_EQ(post(stream.post_path(), kInitialize), 401);
}

TEST_F(McpSseTest, StreamsEndAtAStopAndTheirSessionsWithThem) {
  Stream& stream = open();
  EXPECT_EQ(post(stream.post_path(), kInitialize), 202);
  handler->stop();
  turn();
  EXPECT_TRUE(stream.ended);
  EXPECT_TRUE(stream.writer.ended());
  EXPECT_EQ(post(stream.post_path(), kList), 404);
  EXPECT_EQ(open().writer.status(), 429);
}

TEST_F(McpSseTest, APrincipalHasABoundedNumberOfStreams) {
  for (std::size_t i = 0; i < kMcpStreamsMax; ++i) {
    opened.push_back(std::make_unique<Stream>());
    fixture.tasks.spawn("stream", run(opened.back().get(), IngressFixture::request("")));
  }
  turn();
  EXPECT_EQ(open().writer.status(), 429);
  EXPECT_EQ(open("sk-admin").writer.status(), 200);
}

TEST_F(McpSseTest, ItsRoutesExistWhereItIsServed) {
  std::vector<http::Route> table;
  add_sse_routes(&table, handler.get());

  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table[0].method + table[0].path, "GET/sse");
  EXPECT_EQ(table[1].method + table[1].path, "POST/sse/message");
}

}  // namespace
}  // namespace sluice::ingress
