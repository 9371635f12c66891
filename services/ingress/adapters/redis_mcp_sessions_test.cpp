#include "services/ingress/adapters/redis_mcp_sessions.h"

#include "services/ingress/limits.h"

#include "common/redis/testing/fake_redis.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;

class RedisMcpSessionsTest : public ::testing::Test {
 protected:
  bool open(const std::string& session) {
    return sluice::testing::run_sync(loop, sessions.open(owner, session, "{}")).ok();
  }

  bool touch(const std::string& session) { return touch(owner, session); }

  bool touch(const Owner& by, const std::string& session) {
    auto alive = sluice::testing::run_sync(loop, sessions.touch(by, session));
    EXPECT_THAT(alive, IsOk());
    return std::move(alive).value_or(false);
  }

  McpSessionState state(const Owner& by, const std::string& session) {
    auto found = sluice::testing::run_sync(loop, sessions.state(by, session));
    EXPECT_THAT(found, IsOk());
    return std::move(found).value_or(McpSessionState());
  }

  bool subscribe(const std::string& session, const std::string& uri) {
    auto done = sluice::testing::run_sync(loop, sessions.subscribe(owner, session, uri));
    EXPECT_THAT(done, IsOk());
    return std::move(done).value_or(false);
  }

  template <class T>
  void run(Async<T> operation) {
    EXPECT_THAT(sluice::testing::run_sync(loop, std::move(operation)), IsOk());
  }

  boost::asio::io_context loop{1};
  sluice::testing::ManualClock clock;
  redis::FakeRedis redis{&clock};
  RedisMcpSessions sessions{&redis, &clock};
  Owner owner{"t", "key:a"};
};

TEST_F(RedisMcpSessionsTest, BelongToOnePrincipalOfOneTenant) {
  ASSERT_TRUE(open("s"));

  EXPECT_TRUE(touch("s"));
  EXPECT_FALSE(touch("other"));
  EXPECT_FALSE(touch({"t", "key:b"}, "s"));
  EXPECT_FALSE(touch({"u", "key:a"}, "s"));
}

TEST_F(RedisMcpSessionsTest, AboveTheLimitTheLongestUnusedEnds) {
  for (std::size_t i = 0; i < kMcpSessionsMax; ++i) {
    ASSERT_TRUE(open("s" + std::to_string(i)));
    clock.advance(std::chrono::milliseconds(1));
  }
  clock.advance(kMcpSessionNoteAfter);
  EXPECT_TRUE(touch("s0"));

  ASSERT_TRUE(open("one more"));

  EXPECT_TRUE(touch("s0")) << "it was used";
  EXPECT_FALSE(touch("s1"));
  EXPECT_TRUE(touch("s2"));
  EXPECT_TRUE(touch("one more"));
}

TEST_F(RedisMcpSessionsTest, UnusedOnesMakeRoomAndLeaveNothingBehind) {
  const auto half = std::chrono::minutes(kMcpSessionIdleMax) / 2;
  ASSERT_TRUE(open("old"));
  clock.advance(half);
  ASSERT_TRUE(open("newer"));
  clock.advance(half);

  EXPECT_FALSE(touch("old"));
  ASSERT_TRUE(open("newest"));
  EXPECT_TRUE(touch("newer"));
  EXPECT_EQ(redis.keys().size(), 3U) << "of the principal, and one a session";

  clock.advance(kMcpSessionIdleMax);
  EXPECT_TRUE(redis.keys().empty());
}

TEST_F(RedisMcpSessionsTest, KeepWhatTheirClientsSaidAndWant) {
  run(sessions.open(owner, "s", R"({"roots":{}})"));
  EXPECT_EQ(state(owner, "s").capabilities, R"({"roots":{}})");
  EXPECT_EQ(state(owner, "s").log_level, "");

  run(sessions.set_log_level(owner, "s", "error"));
  EXPECT_TRUE(subscribe("s", "file:///b"));
  EXPECT_TRUE(subscribe("s", "file:///a"));
  EXPECT_TRUE(subscribe("s", "file:///a"));
  run(sessions.unsubscribe(owner, "s", "file:///b"));
  run(sessions.unsubscribe(owner, "s", "never"));

  const McpSessionState kept = state(owner, "s");
  EXPECT_EQ(kept.log_level, "error");
  EXPECT_EQ(kept.subscriptions, std::vector<std::string>{"file:///a"});
  EXPECT_EQ(kept.capabilities, R"({"roots":{}})");
  EXPECT_TRUE(state({"t", "key:b"}, "s").subscriptions.empty());
}

TEST_F(RedisMcpSessionsTest, WhatTheyKeepLivesAndEndsWithThem) {
  ASSERT_TRUE(open("s"));
  ASSERT_TRUE(subscribe("s", "file:///a"));
  const auto half = std::chrono::minutes(kMcpSessionIdleMax) / 2;
  for (int i = 0; i < 3; ++i) {
    clock.advance(half);
    EXPECT_TRUE(touch("s"));
  }
  EXPECT_EQ(state(owner, "s").subscriptions.size(), 1U);

  run(sessions.close(owner, "s"));

  EXPECT_TRUE(redis.keys().empty());
}

TEST_F(RedisMcpSessionsTest, ASessionHasSoManySubscriptionsAndNoMore) {
  ASSERT_TRUE(open("s"));
  for (std::size_t i = 0; i < kMcpSubscriptionsMax; ++i) {
    ASSERT_TRUE(subscribe("s", "test://" + std::to_string(i)));
  }

  EXPECT_FALSE(subscribe("s", "test://more"));
  EXPECT_TRUE(subscribe("s", "test://0")) << "it has this one";
  run(sessions.unsubscribe(owner, "s", "test://1"));
  EXPECT_TRUE(subscribe("s", "test://more"));
}

}  // namespace
}  // namespace sluice::ingress
