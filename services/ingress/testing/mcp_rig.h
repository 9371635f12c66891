// McpRig: several POSTs and streams of MCP clients at the same time, over IngressFixture.
#pragma once

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/http/sse.h"
#include "common/json/parse.h"
#include "common/json/value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::ingress {

// A request as JSON.
inline std::string rpc(
    const std::string& method, const std::string& params, const std::string& id = "2"
) {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params +
         "}";
}

// Of one request that waits for its client.
inline connector::v1::Final asks(
    const std::string& requests, const std::string& request_id = "r1"
) {
  connector::v1::Final final;
  final.mutable_input_required()->set_request_id(request_id);
  final.mutable_input_required()->set_requests(requests);
  return final;
}

// One request over HTTP under way.
struct Post {
  http::testing::RecordingResponseWriter writer;
  std::optional<Result<void>> ended;
  async::TaskGroup::Task task;

  [[nodiscard]] std::vector<http::SseEvent> events() const {
    http::SseParser parser;
    return parser.feed(writer.body()).value_or({});
  }
};

class McpRig : public ::testing::Test {
 public:
  ~McpRig() override { turn(); }

 protected:
  http::HttpRequest request(const std::string& body, const std::string& session) {
    auto made = IngressFixture::request(body);
    made.headers.add("accept", "application/json, text/event-stream");
    if (!session.empty()) {
      made.headers.add("Mcp-Session-Id", session);
    }
    return made;
  }

  std::string open_session(
      const std::string& capabilities, const std::string& version = "2025-06-18"
  ) {
    Post& post = start(request(
        R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":")" + version +
            R"(","capabilities":)" + capabilities + "}}",
        ""
    ));
    EXPECT_EQ(post.writer.status(), 200);
    return std::string(post.writer.headers().get("mcp-session-id"));
  }

  Post& start(http::HttpRequest made) {
    posts.push_back(std::make_unique<Post>());
    Post& post = *posts.back();
    post.task = fixture.tasks.spawn("request", run(&post, std::move(made)));
    turn();
    return post;
  }

  Post& start_in(const std::string& session, const std::string& body) {
    return start(request(body, session));
  }

  // GET of a session, going on behind an event unless that is "".
  Post& listen_in(const std::string& session, const std::string& after = "") {
    auto made = request("", session);
    made.method = "GET";
    if (!after.empty()) {
      made.headers.add("Last-Event-ID", after);
    }
    return start(std::move(made));
  }

  Async<void> run(Post* post, http::HttpRequest made) {
    RequestContext context = fixture.context();
    context.deadline = fixture.clock.now() + kMcpTimeout;
    auto ended = made.method == "GET"
                     ? fixture.mcp.listen(std::move(made), &post->writer, std::move(context))
                     : fixture.mcp.post(std::move(made), &post->writer, std::move(context));
    post->ended = co_await std::move(ended);
    co_return Result<void>();
  }

  void turn() {
    for (int i = 0; i < 40; ++i) {
      fixture.loop.restart();
      fixture.loop.poll();
    }
  }

  void pass(Duration time) {
    for (Duration left = time; left > Duration::zero(); left -= std::chrono::seconds(1)) {
      fixture.clock.advance(std::min<Duration>(left, std::chrono::seconds(1)));
      fixture.beat(fixture.policy.policy_version);
      turn();
    }
  }

  static json::Value parsed(const std::string& text) {
    return json::parse(text).value_or(json::Value());
  }

  std::vector<std::unique_ptr<Post>> posts;
  IngressFixture fixture;
};

}  // namespace sluice::ingress
