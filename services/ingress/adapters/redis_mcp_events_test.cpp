#include "services/ingress/adapters/redis_mcp_events.h"

#include "common/redis/testing/fake_redis.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

class RedisMcpEventsTest : public ::testing::Test {
 protected:
  template <class T>
  T run(Async<T> operation) {
    auto done = sluice::testing::run_sync(loop, std::move(operation));
    EXPECT_THAT(done, IsOk());
    return std::move(done).value_or(T());
  }

  void keep(McpStreamState state, const std::string& event) {
    EXPECT_THAT(
        sluice::testing::run_sync(
            loop, events.keep(name, std::move(state), event, std::chrono::seconds(60))
        ),
        IsOk()
    );
  }

  boost::asio::io_context loop{1};
  sluice::testing::ManualClock clock;
  redis::FakeRedis redis{&clock};
  RedisMcpEvents events{&redis};
  McpStreamName name{.owner = {"t", "key:a"}, .session = "s", .stream = "x"};
};

TEST_F(RedisMcpEventsTest, AStreamIsItsStateAndItsEvents) {
  keep({.events = 0, .ended = false, .request_id = R"("a 1 b")"}, "");
  keep({.events = 1, .ended = false, .request_id = R"("a 1 b")"}, "{\"one\":1}");
  keep({.events = 2, .ended = true, .request_id = R"("a 1 b")"}, "{\"two\":2}");

  const auto state = run(events.state(name));
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->events, 2U);
  EXPECT_TRUE(state->ended);
  EXPECT_EQ(state->request_id, R"("a 1 b")");
  EXPECT_EQ(run(events.event(name, 1)), "{\"one\":1}");
  EXPECT_EQ(run(events.event(name, 2)), "{\"two\":2}");
  EXPECT_EQ(run(events.event(name, 3)), std::nullopt);
  EXPECT_THAT(sluice::testing::run_sync(loop, events.forget(name, 1)), IsOk());
  EXPECT_EQ(run(events.event(name, 1)), std::nullopt);
}

TEST_F(RedisMcpEventsTest, BelongsToOneSessionOfOnePrincipal) {
  keep({.events = 1, .ended = false, .request_id = "1"}, "{}");

  for (const McpStreamName& other :
       {McpStreamName{.owner = {"u", "key:a"}, .session = "s", .stream = "x"},
        McpStreamName{.owner = {"t", "key:b"}, .session = "s", .stream = "x"},
        McpStreamName{.owner = {"t", "key:a"}, .session = "r", .stream = "x"},
        McpStreamName{.owner = {"t", "key:a"}, .session = "s", .stream = "y"}}) {
    EXPECT_EQ(run(events.state(other)).has_value(), false);
    EXPECT_EQ(run(events.event(other, 1)), std::nullopt);
  }
}

TEST_F(RedisMcpEventsTest, IsKeptAsLongAsWasSaidLast) {
  keep({.events = 1, .ended = false, .request_id = "1"}, "{}");
  clock.advance(std::chrono::seconds(50));
  EXPECT_THAT(
      sluice::testing::run_sync(loop, events.renew(name, std::chrono::seconds(60))), IsOk()
  );
  clock.advance(std::chrono::seconds(59));
  EXPECT_TRUE(run(events.state(name)).has_value());

  clock.advance(std::chrono::seconds(1));

  EXPECT_FALSE(run(events.state(name)).has_value());
  EXPECT_TRUE(redis.keys().empty());
}

TEST_F(RedisMcpEventsTest, WithoutRedisEverythingIsUnavailable) {
  redis.set_down(true);

  EXPECT_THAT(sluice::testing::run_sync(loop, events.state(name)), HasCode(Code::Unavailable));
  EXPECT_THAT(
      sluice::testing::run_sync(loop, events.keep(name, {}, "{}", std::chrono::seconds(1))),
      HasCode(Code::Unavailable)
  );
}

}  // namespace
}  // namespace sluice::ingress
