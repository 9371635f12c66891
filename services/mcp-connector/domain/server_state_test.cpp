#include "services/mcp-connector/domain/server_state.h"

#include "services/mcp-connector/domain/policy_versions.h"
#include "services/mcp-connector/domain/reconnect_policy.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;

TEST(ServerStatus, RemembersSinceWhenAndWhy) {
  ServerStatus status(100);
  EXPECT_EQ(status.state(), connector::v1::SERVER_STATE_DISCONNECTED);

  status.connecting(200);
  status.failed(Stage::Initialize, "no answer", 300);

  EXPECT_EQ(status.state(), connector::v1::SERVER_STATE_ERROR);
  EXPECT_EQ(status.since_unix_ms(), 300);
  EXPECT_EQ(name_of(status.stage()), "initialize");
  EXPECT_EQ(status.message(), "no answer");
}

TEST(ServerStatus, AnAttemptAfterAFailureKeepsItsReason) {
  ServerStatus status(0);
  status.failed(Stage::Connect, "not found", 1);

  status.connecting(2);

  EXPECT_EQ(status.state(), connector::v1::SERVER_STATE_CONNECTING);
  EXPECT_EQ(status.message(), "not found");
}

TEST(ServerStatus, ConnectedClearsTheReason) {
  ServerStatus status(0);
  status.lost(Stage::TransportLost, "gone", 1);

  status.connected(2);
  status.connected(9);

  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(name_of(status.stage()), "");
  EXPECT_EQ(status.since_unix_ms(), 2);
}

TEST(ReconnectPolicy, GrowsToThirtySecondsAndForgetsAfterAStableConnection) {
  ReconnectPolicy policy(1);
  const auto first = policy.wait_after(Duration::zero());
  auto wait = first;
  for (int i = 0; i < 10; ++i) {
    wait = policy.wait_after(Duration::zero());
  }

  EXPECT_GE(first, milliseconds(800));
  EXPECT_LE(first, milliseconds(1200));
  EXPECT_GE(wait, milliseconds(24000));
  EXPECT_LE(wait, milliseconds(36000));
  EXPECT_LE(policy.wait_after(std::chrono::minutes(5)), milliseconds(1200));
}

TEST(PolicyVersions, KeepsTheHighest) {
  PolicyVersions versions;

  versions.heard(7);
  versions.heard(3);

  EXPECT_EQ(versions.highest(), 7U);
}

}  // namespace
}  // namespace sluice::mcp_connector
