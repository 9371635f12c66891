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
    return sluice::testing::run_sync(loop, sessions.open(owner, session)).ok();
  }

  bool touch(const std::string& session) { return touch(owner, session); }

  bool touch(const Owner& by, const std::string& session) {
    auto alive = sluice::testing::run_sync(loop, sessions.touch(by, session));
    EXPECT_THAT(alive, IsOk());
    return std::move(alive).value_or(false);
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
  const auto kept = redis.call({"HGETALL", redis.keys().at(0)});
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(std::get<std::vector<redis::Reply>>(kept.value().value).size(), 4U);

  clock.advance(kMcpSessionIdleMax);
  EXPECT_TRUE(redis.keys().empty());
}

}  // namespace
}  // namespace sluice::ingress
