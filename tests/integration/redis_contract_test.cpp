// The suite of common/redis/testing/redis_contract.h against a real redis-server.
#include "common/redis/testing/redis_contract.h"

#include "tests/integration/redis_rig.h"
#include "tests/support/redis_server.h"

namespace sluice::redis {
namespace {

// One server for all cases; each starts with it empty.
tests::RedisServer& server() {
  static const auto kServer = [] {
    auto started = tests::RedisServer::start();
    SLUICE_CHECK(started.ok(), "redis-server is installed");
    return std::move(started).value();
  }();
  return *kServer;
}

class RealBackend final : public Backend {
 public:
  RealBackend() : rig_({.port = server().port()}) { EXPECT_TRUE(rig_.run({"FLUSHALL"}).ok()); }

  boost::asio::io_context& loop() override { return rig_.loop(); }

  Client& client() override { return rig_.client(); }

  void pass(std::chrono::milliseconds time) override { rig_.pass(time); }

 private:
  RedisRig rig_;
};

INSTANTIATE_TEST_SUITE_P(Real, RedisContract, ::testing::Values(MakeBackend([] {
                           return std::make_unique<RealBackend>();
                         })));

}  // namespace
}  // namespace sluice::redis
