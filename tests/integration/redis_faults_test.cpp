// What the client does when redis-server refuses, goes, comes back or says nothing.
#include "tests/integration/redis_rig.h"
#include "tests/support/redis_server.h"
#include "tests/support/tcp_gate.h"

#include "common/async/task_group.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;

std::unique_ptr<tests::RedisServer> started(tests::RedisServerOptions options = {}) {
  auto server = tests::RedisServer::start(std::move(options));
  SLUICE_CHECK(server.ok(), "redis-server is installed");
  return std::move(server).value();
}

Async<void> count_up(Client* client, int* good) {
  const auto reply = co_await client->command({"INCR", "sluice:t:many"});
  *good += reply.ok() ? 1 : 0;
  co_return Result<void>();
}

TEST(RedisFaults, PipelinesManyCommandsInOrder) {
  const auto server = started();
  RedisRig rig({.port = server->port()});
  constexpr int kCommands = 2000;
  int good = 0;
  async::TaskGroup tasks(rig.loop().get_executor(), {});
  for (int i = 0; i < kCommands; ++i) {
    tasks.spawn("count", count_up(&rig.client(), &good));
  }

  EXPECT_THAT(sluice::testing::run_sync(rig.loop(), tasks.close()), IsOk());

  EXPECT_EQ(good, kCommands);
  EXPECT_EQ(rig.run({"GET", "sluice:t:many"}).value().text(), std::to_string(kCommands));
}

TEST(RedisFaults, CarriesLargeValues) {
  const auto server = started();
  RedisRig rig({.port = server->port()});
  const std::string large(5 << 20, 'x');

  EXPECT_THAT(rig.run({"SET", "sluice:t:large", large, "EX", "60"}), IsOk());
  const auto reply = rig.run({"GET", "sluice:t:large"});

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().text()->size(), large.size());
}

TEST(RedisFaults, EachUserIsKeptToItsKeys) {
  const auto server = started(
      {.acl = "user default off\n"
              "user mcp-connector on >hunter2 resetkeys ~sluice:connector:* -@all +get +set +eval "
              "+evalsha\n"}
  );
  RedisRig rig(
      {.port = server->port(), .user = "mcp-connector", .password = Secret<std::string>("hunter2")}
  );

  EXPECT_THAT(rig.run({"SET", "sluice:connector:a", "1", "EX", "60"}), IsOk());
  EXPECT_THAT(rig.run({"SET", "sluice:policy:a", "1", "EX", "60"}), HasCode(Code::Denied));
  EXPECT_THAT(rig.run({"FLUSHALL"}), HasCode(Code::Denied));
}

TEST(RedisFaults, AWrongPasswordIsDeniedAndNotShown) {
  const auto server = started({.acl = "user default off\nuser ingress on >right ~* +@all\n"});
  RedisRig rig(
      {.port = server->port(), .user = "ingress", .password = Secret<std::string>("wrong-hunter2")}
  );

  const auto reply = rig.run({"GET", "sluice:ingress:a"});

  ASSERT_THAT(reply, HasCode(Code::Denied));
  EXPECT_TRUE(rig.log().has("redis-refused", "user=ingress"));
  for (const auto& event : rig.log().events()) {
    EXPECT_THAT(event.fields, ::testing::Not(::testing::HasSubstr("hunter2")));
  }
}

TEST(RedisFaults, ANobodyListeningIsUnavailable) {
  RedisRig rig({.port = 1, .connect_timeout = 200ms, .command_timeout = 100ms});

  EXPECT_THAT(rig.run({"PING"}), HasCode(Code::Unavailable));
  EXPECT_FALSE(rig.client().connected());
}

TEST(RedisFaults, NamesThatDoNotResolveAreUnavailable) {
  RedisRig rig(
      {.address = "no-such-host.invalid", .connect_timeout = 300ms, .command_timeout = 100ms}
  );

  EXPECT_THAT(rig.run({"PING"}), HasCode(Code::Unavailable));
}

TEST(RedisFaults, ConnectsByName) {
  const auto server = started();
  RedisRig rig({.address = "localhost", .port = server->port()});

  EXPECT_THAT(rig.run({"PING"}), IsOk());
}

TEST(RedisFaults, ARestartIsBridged) {
  const auto server = started();
  RedisRig rig({.port = server->port(), .command_timeout = 3000ms});
  EXPECT_THAT(rig.run({"PING"}), IsOk());
  const std::string script = "return redis.call('INCR', KEYS[1])";
  EXPECT_THAT(
      sluice::testing::run_sync(rig.loop(), rig.client().script(script, {"sluice:t:n"}, {})), IsOk()
  );

  ASSERT_THAT(server->stop(SIGKILL), IsOk());
  ASSERT_THAT(server->start_again(), IsOk());

  // The loss is seen at the next turn of the loop; a command sent before that ends, the next one
  // finds the new server.
  Result<Reply> reply = rig.run({"PING"});
  if (!reply.ok()) {
    EXPECT_THAT(reply, HasCode(Code::Unavailable));
    reply = rig.run({"PING"});
  }
  EXPECT_THAT(reply, IsOk());
  const auto again =
      sluice::testing::run_sync(rig.loop(), rig.client().script(script, {"sluice:t:n"}, {}));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again.value().integer_or(0), 1);
  EXPECT_TRUE(rig.log().has("redis-lost"));
}

TEST(RedisFaults, AStalledServerMeetsTheCommandsDeadlineAndIsConnectedAnew) {
  const auto server = started();
  tests::TcpGate gate(server->port());
  RedisRig rig({.port = gate.port(), .connect_timeout = 300ms, .command_timeout = 150ms});
  EXPECT_THAT(rig.run({"SET", "sluice:t:a", "1", "EX", "60"}), IsOk());

  gate.stall(true);
  const TimePoint before = rig.clock().now();
  const auto reply = rig.run({"GET", "sluice:t:a"});
  const auto waited = rig.clock().now() - before;
  gate.stall(false);
  gate.cut();
  Result<Reply> later = rig.run({"GET", "sluice:t:a"});
  for (int i = 0; i < 20 && !later.ok(); ++i) {
    rig.pass(50ms);
    later = rig.run({"GET", "sluice:t:a"});
  }

  EXPECT_THAT(reply, HasCode(Code::Deadline));
  EXPECT_LT(waited, 1s);
  ASSERT_THAT(later, IsOk());
  EXPECT_EQ(later.value().text(), "1");
  EXPECT_GE(gate.accepted(), 2U);
}

TEST(RedisFaults, ALongOutageFailsAtOnce) {
  auto server = started();
  RedisRig rig({.port = server->port(), .connect_timeout = 200ms, .command_timeout = 150ms});
  EXPECT_THAT(rig.run({"PING"}), IsOk());
  ASSERT_THAT(server->stop(SIGKILL), IsOk());
  EXPECT_THAT(rig.run({"PING"}), HasCode(Code::Unavailable));
  rig.pass(500ms);

  const TimePoint before = rig.clock().now();
  const auto reply = rig.run({"PING"});

  EXPECT_THAT(reply, HasCode(Code::Unavailable));
  EXPECT_LT(rig.clock().now() - before, 100ms);
}

TEST(RedisFaults, NothingIsLeftBehindWhenTheClientGoesInTheMiddle) {
  const auto server = started();
  tests::TcpGate gate(server->port());
  RedisRig rig({.port = gate.port()});
  EXPECT_THAT(rig.run({"PING"}), IsOk());
  gate.stall(true);
  int good = 0;
  async::TaskGroup tasks(rig.loop().get_executor(), {});
  tasks.spawn("count", count_up(&rig.client(), &good));
  rig.loop().restart();
  rig.loop().poll();

  EXPECT_THAT(sluice::testing::run_sync(rig.loop(), rig.client().close()), IsOk());
  EXPECT_THAT(sluice::testing::run_sync(rig.loop(), tasks.close()), IsOk());

  EXPECT_EQ(good, 0);
  EXPECT_THAT(rig.run({"PING"}), HasCode(Code::Unavailable));
}

TEST(RedisFaults, ACancelledCommandLeavesTheConnectionUsable) {
  const auto server = started();
  tests::TcpGate gate(server->port());
  RedisRig rig({.port = gate.port()});
  EXPECT_THAT(rig.run({"PING"}), IsOk());
  gate.stall(true);
  int good = 0;
  async::TaskGroup tasks(rig.loop().get_executor(), {});
  tasks.spawn("count", count_up(&rig.client(), &good));
  rig.loop().restart();
  rig.loop().poll();

  EXPECT_THAT(sluice::testing::run_sync(rig.loop(), tasks.cancel_and_close()), IsOk());
  gate.stall(false);

  const auto reply = rig.run({"ECHO", "mine"});
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().text(), "mine");
}

}  // namespace
}  // namespace sluice::redis
