#include "services/ingress/domain/mcp_streams.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

const std::string kTold = "{\"told\":true}";
const std::string kPrompts = "{\"prompts\":true}";

// One stream and what it wrote.
struct Stream {
  explicit Stream(IngressFixture* fixture, const std::string& session)
      : request(IngressFixture::request("")), reply(&writer) {
    listener.request = &request;
    listener.owner = {"default", "key:user"};
    listener.context = fixture->context();
    listener.reply = &reply;
    listener.changes.tools = kTold;
    listener.changes.prompts = kPrompts;
    listener.session = session;
  }

  [[nodiscard]] std::size_t told() const { return count(kTold); }

  [[nodiscard]] std::size_t count(const std::string& text) const {
    std::size_t found = 0;
    for (const std::string& write : writer.writes()) {
      found += write.find(text) != std::string::npos ? 1 : 0;
    }
    return found;
  }

  http::HttpRequest request;
  http::testing::RecordingResponseWriter writer;
  McpReply reply;
  McpListener listener;
  std::optional<Result<void>> ended;
};

class McpStreamsTest : public ::testing::Test {
 protected:
  Stream& start(const std::string& session = "") {
    auto stream = std::make_unique<Stream>(&fixture, session);
    Stream& started = *stream;
    opened.push_back(std::move(stream));
    fixture.tasks.spawn("stream", run(&started));
    turn();
    return started;
  }

  Async<void> run(Stream* stream) {
    stream->ended = co_await fixture.streams.run(&stream->listener);
    co_return Result<void>();
  }

  void turn() {
    for (int i = 0; i < 20; ++i) {
      fixture.loop.restart();
      fixture.loop.poll();
    }
  }

  // policy-engine beats all the while.
  void pass(Duration time) {
    for (Duration left = time; left > Duration::zero();) {
      const Duration step = std::min<Duration>(left, std::chrono::seconds(1));
      fixture.clock.advance(step);
      fixture.beat(fixture.policy.policy_version);
      turn();
      left -= step;
    }
  }

  void add_a_tool(const std::string& tool) {
    add_tool(fixture.servers.catalog_reply, "filesystem", tool, R"({"name":"x","inputSchema":{}})");
    show_tool(fixture.policy.shown, "filesystem", tool, policy::v1::EFFECT_CLASS_READ);
    fixture.servers.catalog_reply.set_version("version " + tool);
    fixture.policy.shown.set_catalog_version("version " + tool);
    fixture.versions.catalog_changed();
    turn();
  }

  std::vector<std::unique_ptr<Stream>> opened;  // outlive the tasks that write to them
  IngressFixture fixture;
};

TEST_F(McpStreamsTest, OtherToolsAreToldOnceForAllThatHappensAtOnce) {
  Stream& stream = start();
  EXPECT_EQ(stream.writer.headers().get("content-type"), "text/event-stream");
  fixture.versions.catalog_changed();
  turn();
  pass(kMcpChangeGather);
  EXPECT_EQ(stream.told(), 0U) << "the list is the same";

  add_a_tool("a");
  add_a_tool("b");
  EXPECT_EQ(stream.told(), 0U);
  pass(kMcpChangeGather);

  EXPECT_EQ(stream.told(), 1U);
  add_a_tool("c");
  pass(kMcpChangeGather);
  EXPECT_EQ(stream.told(), 2U);
  EXPECT_FALSE(stream.ended.has_value());
}

TEST_F(McpStreamsTest, OnlyWhatChangedAndWasAskedForIsTold) {
  const Stream& stream = start();
  auto& server = *fixture.servers.catalog_reply.mutable_servers(0);
  fixture.policy.shown.add_servers(server.server_id());
  auto& prompt = *server.add_prompts();
  prompt.set_key("ask");
  prompt.set_definition(R"({"name":"ask"})");
  auto& resource = *server.add_resources();
  resource.set_key("test://a");
  resource.set_definition(R"({"uri":"test://a"})");
  fixture.servers.catalog_reply.set_version("with offerings");
  fixture.policy.shown.set_catalog_version("with offerings");
  fixture.versions.catalog_changed();
  turn();

  pass(kMcpChangeGather);

  EXPECT_EQ(stream.told(), 0U);
  EXPECT_EQ(stream.count(kPrompts), 1U);
  EXPECT_EQ(stream.writer.writes().size(), 1U) << "nobody asked for resources";
}

TEST_F(McpStreamsTest, AQuietStreamIsKeptAlive) {
  const Stream& stream = start();

  pass(kMcpKeepAlive);
  pass(kMcpKeepAlive);

  EXPECT_EQ(stream.count(": keep-alive"), 2U);
}

TEST_F(McpStreamsTest, WhatKeepsTheListFromBeingReadIsTriedAgain) {
  const Stream& stream = start();
  fixture.servers.set_down(true);
  add_a_tool("a");
  pass(kMcpChangeGather);
  EXPECT_EQ(stream.told(), 0U);

  fixture.servers.set_down(false);
  pass(kMcpKeepAlive);
  pass(kMcpChangeGather);

  EXPECT_EQ(stream.told(), 1U);
}

TEST_F(McpStreamsTest, AWithdrawnKeyEndsItsStreams) {
  const Stream& stream = start();
  fixture.policy.remove_caller("sk-user");
  ++fixture.policy.policy_version;
  fixture.beat(fixture.policy.policy_version);
  turn();

  pass(kMcpChangeGather);

  ASSERT_TRUE(stream.ended.has_value());
  EXPECT_THAT(*stream.ended, HasCode(Code::Unauthenticated));
}

TEST_F(McpStreamsTest, AStreamEndsWithItsSessionAndIsReplacedByTheNext) {
  const Owner owner{"default", "key:user"};
  ASSERT_THAT(fixture.run(fixture.mcp_sessions.open(owner, "s1", "{}")), IsOk());
  const Stream& first = start("s1");
  const Stream& other = start();
  const Stream& second = start("s1");

  ASSERT_TRUE(first.ended.has_value());
  EXPECT_THAT(*first.ended, IsOk());
  EXPECT_FALSE(second.ended.has_value());
  add_a_tool("a");
  pass(kMcpChangeGather);
  EXPECT_EQ(first.told(), 0U);
  EXPECT_EQ(second.told(), 1U);

  ASSERT_THAT(fixture.run(fixture.mcp_sessions.close(owner, "s1")), IsOk());
  pass(kMcpKeepAlive);
  EXPECT_TRUE(second.ended.has_value());
  EXPECT_FALSE(other.ended.has_value());
}

TEST_F(McpStreamsTest, ASessionIsToldOfTheResourcesItSubscribedTo) {
  const Owner owner{"default", "key:user"};
  auto& server = *fixture.servers.catalog_reply.mutable_servers(0);
  server.set_subscriptions(true);
  auto& resource = *server.add_resources();
  resource.set_key("test://a");
  resource.set_definition(R"({"uri":"test://a"})");
  fixture.policy.shown.add_servers(server.server_id());
  ASSERT_THAT(fixture.run(fixture.mcp_sessions.open(owner, "s1", "{}")), IsOk());
  ASSERT_THAT(fixture.run(fixture.mcp_sessions.open(owner, "s2", "{}")), IsOk());
  ASSERT_THAT(fixture.run(fixture.mcp_sessions.subscribe(owner, "s1", "test://a")), IsOk());
  const Stream& stream = start("s1");
  const Stream& other = start("s2");
  const std::string updated =
      R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"test://a"}})";
  ASSERT_EQ(fixture.servers.requests.size(), 1U) << "its server is asked while it listens";
  EXPECT_EQ(fixture.servers.requests[0].first.method(), "resources/subscribe");

  fixture.streams.updated(server.server_id(), "test://a");
  fixture.streams.updated(server.server_id(), "test://a");
  turn();
  pass(kMcpChangeGather);
  EXPECT_EQ(stream.count(updated), 1U);
  EXPECT_EQ(other.count(updated), 0U);
  fixture.streams.updated(server.server_id(), "test://b");
  fixture.streams.updated("another server", "test://a");
  turn();
  pass(kMcpChangeGather);
  EXPECT_EQ(stream.count(updated), 1U);

  pass(kMcpSubscriptionRenewal + kMcpKeepAlive);
  EXPECT_EQ(fixture.servers.requests.size(), 2U) << "and asked again before it forgets";
  ASSERT_THAT(fixture.run(fixture.mcp_sessions.unsubscribe(owner, "s1", "test://a")), IsOk());
  fixture.streams.updated(server.server_id(), "test://a");
  turn();
  pass(kMcpChangeGather);
  EXPECT_EQ(stream.count(updated), 1U);
}

TEST_F(McpStreamsTest, StoppingEndsAllAndTakesNoMore) {
  const Stream& one = start();
  const Stream& two = start();

  fixture.streams.stop();
  turn();

  for (const Stream* stream : {&one, &two, static_cast<const Stream*>(&start())}) {
    ASSERT_TRUE(stream->ended.has_value());
    EXPECT_THAT(*stream->ended, IsOk());
  }
}

TEST_F(McpStreamsTest, APrincipalHasSoManyAndNoMore) {
  for (std::size_t i = 0; i < kMcpStreamsMax; ++i) {
    start();
  }
  const Stream& one_more = start();
  ASSERT_TRUE(one_more.ended.has_value());
  EXPECT_THAT(*one_more.ended, HasCode(Code::Exhausted));
  EXPECT_FALSE(one_more.writer.begun());

  fixture.streams.stop();
  turn();
  EXPECT_TRUE(opened.front()->ended.has_value());
}

}  // namespace
}  // namespace sluice::ingress
