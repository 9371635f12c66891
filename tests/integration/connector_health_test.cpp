// How soon a server that hangs is noticed with the settings as they come, and that it comes back by
// itself: a real process that is stopped, and an HTTP server that takes connections only.
#include "tests/integration/connector_http_rig.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::IsOk;

constexpr auto kNoticedWithin = 12s;

// Until it is not connected any more; prints the time it took.
template <class Running>
void expect_noticed(Running* running, const char* what) {
  const TimePoint began = running->loop.clock()->now();
  EXPECT_TRUE(running->loop.wait([&] { return !running->connection.connected(); }, 20s));
  const auto took = running->loop.clock()->now() - began;
  std::printf("%s: noticed after %.1f s\n", what, std::chrono::duration<double>(took).count());
  EXPECT_LE(took, kNoticedWithin);
  EXPECT_EQ(running->connection.status().state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_EQ(running->connection.status().stage(), Stage::Ping);
}

TEST(Health, AStoppedProcessIsNoticedAndReplaced) {
  tests::TemporaryDirectory directory;
  RunningConnection<StdioOf> running(fake_server({"--pid-file", directory.file("pid")}));
  ASSERT_TRUE(running.attempted());
  ASSERT_TRUE(running.connection.connected());
  const int pid = std::stoi(tests::read_text(directory.file("pid")));

  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  expect_noticed(&running, "a stopped process");

  EXPECT_TRUE(running.loop.wait([&] { return running.connection.connected(); }, 15s));
  EXPECT_NE(std::stoi(tests::read_text(directory.file("pid"))), pid);
  EXPECT_NE(::kill(pid, 0), 0) << "the old one is gone";
}

TEST(Health, AnHttpServerThatTakesConnectionsOnlyIsNoticedAndFoundAgain) {
  FakeHttpServer server;
  RunningConnection<HttpOpener> running(server.config());
  ASSERT_TRUE(running.attempted());
  ASSERT_TRUE(running.connection.connected());

  server.hang();
  expect_noticed(&running, "a silent HTTP server");

  server.kill();
  server.start();
  EXPECT_TRUE(running.loop.wait([&] { return running.connection.connected(); }, 20s));
}

TEST(Health, ACallThatTakesItsTimeIsNoReasonToEndAServerThatCanOnlyDoOneThing) {
  ServerConfig server = fake_server({});
  server.health_interval = 300ms;
  RunningConnection<StdioOf> running(std::move(server));
  ASSERT_TRUE(running.attempted());

  const auto ticket =
      running.connection.call_tool("sleep", R"({"ms":5000})", running.loop.clock()->now() + 20s);
  ASSERT_THAT(ticket, IsOk());
  EXPECT_TRUE(running.loop.wait([&] { return ticket.value()->ended(); }, 20s));

  EXPECT_THAT(ticket.value()->take(), IsOk());
  EXPECT_TRUE(running.connection.connected());
}

}  // namespace
}  // namespace sluice::mcp_connector
