// Two replicas, a real Redis, real child processes: one holds the server, the other takes it over.
#include "services/mcp-connector/adapters/redis_connection_state.h"
#include "services/mcp-connector/adapters/redis_leases.h"
#include "tests/integration/connector_rig.h"
#include "tests/support/redis_server.h"

#include "common/redis/client.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::IsOk;

class Replica {
 public:
  Replica(
      RealLoop* loop,
      std::uint16_t redis_port,
      const std::vector<ServerConfig>* servers,
      std::string name
  )
      : loop_(loop),
        client_(std::move(loop->run(redis::connect(
                              loop->executor(), loop->clock(), &log_, {.port = redis_port}
                          )))
                    .value()),
        opener_(
            {.executor = loop->executor(),
             .clock = loop->clock(),
             .log = &log_,
             .environment = test_environment()}
        ),
        leases_({.redis = client_.get(), .clock = loop->clock(), .instance = name}),
        states_(client_.get()),
        pool(
            {.executor = loop->executor(),
             .clock = loop->clock(),
             .log = &log_,
             .metrics = metrics_.get(),
             .opener = &opener_,
             .leases = &leases_,
             .states = &states_,
             .announcer = &announcer_,
             .subjects = &subjects_,
             .audit = &audit_,
             .instance = name,
             .seed = 0,
             .held = {}},
            std::hash<std::string>{}(name),
            servers
        ) {
    pool.start();
  }

  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;
  Replica(Replica&&) = delete;
  Replica& operator=(Replica&&) = delete;

  ~Replica() {
    EXPECT_TRUE(loop_->run(pool.stop()).ok());
    EXPECT_TRUE(loop_->run(client_->close()).ok());
  }

 private:
  RealLoop* loop_;
  QuietLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  std::unique_ptr<redis::Client> client_;
  StdioOpener opener_;
  RedisLeases leases_;
  RedisConnectionState states_;
  RecordingAnnouncer announcer_;
  FakeSubjects subjects_;
  audit::RecordingClient audit_;

 public:
  ServerPool pool;
};

TEST(Failover, AnotherReplicaTakesOverWithTheSameToolsAndALaterEpoch) {
  auto redis = tests::RedisServer::start();
  ASSERT_THAT(redis, IsOk());
  RealLoop loop;
  const std::vector<ServerConfig> servers{fake_server({})};
  const std::string id = servers[0].id.str();
  auto first = std::make_unique<Replica>(&loop, redis.value()->port(), &servers, "c1");
  ASSERT_TRUE(loop.wait([&] { return first->pool.find(id)->connected(); }, 15s));
  const auto before = first->pool.find(id)->snapshot();
  Replica second(&loop, redis.value()->port(), &servers, "c2");

  first.reset();

  ASSERT_TRUE(loop.wait([&] { return second.pool.find(id)->connected(); }, 10s));
  const auto after = second.pool.find(id)->snapshot();
  EXPECT_EQ(after.definitions_hash(), before.definitions_hash());
  EXPECT_EQ(after.tools_size(), 7);
  EXPECT_GT(after.lease_epoch(), before.lease_epoch());
}

TEST(Failover, WhenRedisGoesTheServerEndsAndWhenItComesBackAllIsTakenUpAgain) {
  auto redis = tests::RedisServer::start();
  ASSERT_THAT(redis, IsOk());
  RealLoop loop;
  const std::vector<ServerConfig> servers{fake_server({})};
  const std::string id = servers[0].id.str();
  Replica replica(&loop, redis.value()->port(), &servers, "c1");
  ASSERT_TRUE(loop.wait([&] { return replica.pool.find(id)->connected(); }, 15s));

  ASSERT_THAT(redis.value()->stop(), IsOk());
  EXPECT_TRUE(loop.wait([&] { return !replica.pool.find(id)->holds_lease(); }, 4s));
  EXPECT_TRUE(loop.wait([&] { return replica.pool.find(id)->catalog() == nullptr; }, 8s));
  ASSERT_THAT(redis.value()->start_again(), IsOk());

  EXPECT_TRUE(loop.wait([&] { return replica.pool.find(id)->connected(); }, 15s));
}

}  // namespace
}  // namespace sluice::mcp_connector
