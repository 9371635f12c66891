#include "services/ingress/domain/mcp_relay.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;

class McpRelayTest : public ::testing::Test {
 protected:
  McpRecorder recorder(McpResuming resuming) {
    return McpRecorder(
        &fixture.mcp_events, resuming, {.owner = {"default", "key:user"}, .session = "s"}, request
    );
  }

  // More than there is room for, while nobody reads.
  Async<void> tell(McpRelay* relay) {
    for (std::size_t i = 0; i < 2 * kMcpRelayMessagesMax; ++i) {
      SLUICE_CO_CHECK_OK(co_await relay->notify("{}"));
      ++told;
    }
    co_return Result<void>();
  }

  void pass(Duration time) {
    for (int i = 0; i < 100; ++i) {
      fixture.loop.restart();
      fixture.loop.poll();
      if (i == 50) {
        fixture.clock.advance(time);
      }
    }
  }

  std::size_t told = 0;
  const mcp::RpcId request{std::int64_t{1}};
  IngressFixture fixture;
};

TEST_F(McpRelayTest, AClientThatReadsNothingAndCanComeBackIsLeft) {
  McpRecorder kept = recorder(McpResuming::Primed);
  McpRelay relay(&kept, &fixture.clock);
  fixture.tasks.spawn("tell", tell(&relay));
  pass(kMcpSlowClientWait - std::chrono::seconds(1));
  EXPECT_EQ(told, kMcpRelayMessagesMax - 1) << "the first event is an id alone";

  pass(std::chrono::seconds(1));

  EXPECT_EQ(told, 2 * kMcpRelayMessagesMax);
  EXPECT_FALSE(relay.gone()) << "it can come back";
}

TEST_F(McpRelayTest, AClientThatCannotComeBackHoldsBackItsServer) {
  McpRecorder none = recorder(McpResuming::No);
  McpRelay relay(&none, &fixture.clock);
  fixture.tasks.spawn("tell", tell(&relay));

  pass(kMcpSlowClientWait * 2);

  EXPECT_EQ(told, kMcpRelayMessagesMax);
  relay.leave();
  pass(Duration::zero());
  EXPECT_EQ(told, 2 * kMcpRelayMessagesMax) << "what is told is dropped";
  EXPECT_TRUE(relay.gone());
}

}  // namespace
}  // namespace sluice::ingress
