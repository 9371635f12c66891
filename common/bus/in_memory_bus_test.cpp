#include "common/bus/testing/in_memory_bus.h"

#include "common/bus/bus_contract_calls.h"
#include "common/bus/bus_contract_durable.h"
#include "common/bus/bus_contract_streams.h"
#include "common/bus/bus_contract_transport.h"

namespace sluice::bus {
namespace {

class InMemoryRig {
 public:
  boost::asio::io_context& loop() { return loop_; }

  async::Clock* clock() { return &clock_; }

  Result<std::unique_ptr<Transport>> connect(
      const std::string& /*service*/, const std::string& /*instance*/
  ) {
    return std::unique_ptr<Transport>(
        std::make_unique<InMemoryTransport>(loop_.get_executor(), &broker_)
    );
  }

  std::chrono::milliseconds ack_wait() { return 0ms; }

 private:
  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  InMemoryBroker broker_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, TransportContract, InMemoryRig);
INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, CallContract, InMemoryRig);
INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, StreamContract, InMemoryRig);
INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, DurableContract, InMemoryRig);

TEST(SubjectMatches, FollowsTheRulesOfNats) {
  EXPECT_TRUE(subject_matches("a.b", "a.b"));
  EXPECT_TRUE(subject_matches("a.*", "a.b"));
  EXPECT_TRUE(subject_matches("*.*", "a.b"));
  EXPECT_TRUE(subject_matches("a.>", "a.b.c"));
  EXPECT_TRUE(subject_matches(">", "a"));
  EXPECT_FALSE(subject_matches("a.>", "a"));
  EXPECT_FALSE(subject_matches("a.*", "a.b.c"));
  EXPECT_FALSE(subject_matches("a", "a.b"));
  EXPECT_FALSE(subject_matches("a.b", "a"));
  EXPECT_FALSE(subject_matches("ab", "a"));
}

}  // namespace
}  // namespace sluice::bus
