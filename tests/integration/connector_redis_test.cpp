// Leases, nonces and copies against a real Redis, under the user and the keys this service is
// limited to.
#include "services/mcp-connector/adapters/redis_connection_state.h"
#include "services/mcp-connector/adapters/redis_leases.h"
#include "services/mcp-connector/adapters/redis_nonces.h"
#include "tests/integration/redis_rig.h"
#include "tests/support/redis_server.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

const ServerId kServer("0123456789abcdef");

redis::Options as_connector(std::uint16_t port) {
  redis::Options options;
  options.port = port;
  options.user = "mcp-connector";
  options.password = Secret<std::string>("password");
  return options;
}

class ConnectorRedis : public ::testing::Test {
 protected:
  ConnectorRedis() {
    auto server = tests::RedisServer::start(
        {.acl = "user default on nopass ~* &* +@all\n"
                "user mcp-connector on >password ~sluice:connector:* resetchannels +@all\n"}
    );
    SLUICE_CHECK(server.ok(), "redis-server is installed");
    server_ = std::move(server).value();
    rig_ = std::make_unique<redis::RedisRig>(as_connector(server_->port()));
  }

  std::unique_ptr<RedisLeases> leases(const std::string& instance) {
    return std::make_unique<RedisLeases>(
        RedisLeases::Deps{.redis = &rig_->client(), .clock = &rig_->clock(), .instance = instance}
    );
  }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(rig_->loop(), std::move(operation));
  }

  void empty_redis() {
    redis::RedisRig everybody({.port = server_->port()});
    ASSERT_THAT(everybody.run({"FLUSHALL"}), IsOk());
  }

  std::unique_ptr<tests::RedisServer> server_;
  std::unique_ptr<redis::RedisRig> rig_;
};

TEST_F(ConnectorRedis, OneReplicaHoldsALeaseUntilItReleasesIt) {
  const auto first = leases("c1");
  const auto second = leases("c2");

  const auto acquired = run(first->acquire(kServer, 0));
  const auto refused = run(second->acquire(kServer, 0));
  const auto stolen = run(second->renew(kServer, acquired.value().value_or(0)));
  ASSERT_THAT(run(first->release(kServer, *acquired.value())), IsOk());
  const auto taken = run(second->acquire(kServer, 0));

  ASSERT_THAT(acquired, IsOk());
  ASSERT_TRUE(acquired.value().has_value());
  EXPECT_FALSE(refused.value().has_value());
  EXPECT_FALSE(stolen.value());
  ASSERT_TRUE(taken.value().has_value());
  EXPECT_GT(*taken.value(), *acquired.value());
}

TEST_F(ConnectorRedis, EpochsNeverFallBehindTheLastKnown) {
  const auto first = leases("c1");
  const std::uint64_t far_ahead = 9'000'000'000'000;

  const auto acquired = run(first->acquire(kServer, far_ahead));
  ASSERT_THAT(run(first->release(kServer, *acquired.value())), IsOk());
  const auto again = run(leases("c2")->acquire(kServer, 0));

  EXPECT_EQ(*acquired.value(), far_ahead + 1);
  EXPECT_EQ(*again.value(), far_ahead + 2);
}

TEST_F(ConnectorRedis, ALeaseThatIsNotRenewedEndsAfterThreeSeconds) {
  const auto first = leases("c1");
  const auto second = leases("c2");
  const auto epoch = run(first->acquire(kServer, 0)).value().value();

  rig_->pass(1500ms);
  EXPECT_TRUE(run(first->renew(kServer, epoch)).value());
  rig_->pass(2000ms);
  EXPECT_FALSE(run(second->acquire(kServer, 0)).value().has_value());
  rig_->pass(1200ms);
  EXPECT_TRUE(run(second->acquire(kServer, 0)).value().has_value());
  EXPECT_FALSE(run(first->renew(kServer, epoch)).value());
}

TEST_F(ConnectorRedis, ALeaseThatRedisForgotIsRenewedUnlessAnotherTookIt) {
  const auto first = leases("c1");
  const auto second = leases("c2");
  const auto epoch = run(first->acquire(kServer, 0)).value().value();

  empty_redis();
  EXPECT_TRUE(run(first->renew(kServer, epoch)).value());
  EXPECT_FALSE(run(second->acquire(kServer, 0)).value().has_value());

  empty_redis();
  const auto taken = run(second->acquire(kServer, epoch)).value();
  ASSERT_TRUE(taken.has_value());
  EXPECT_FALSE(run(first->renew(kServer, epoch)).value());
  ASSERT_THAT(run(second->release(kServer, *taken)), IsOk());
  EXPECT_FALSE(run(first->renew(kServer, epoch)).value());
}

TEST_F(ConnectorRedis, ANonceCountsOnce) {
  RedisNonces nonces(&rig_->client());

  EXPECT_TRUE(run(nonces.use("grant-1", 35s)).value());
  EXPECT_FALSE(run(nonces.use("grant-1", 35s)).value());
  EXPECT_TRUE(run(nonces.use("grant-2", 35s)).value());
}

TEST_F(ConnectorRedis, WithoutRedisNothingIsGranted) {
  RedisNonces nonces(&rig_->client());
  const auto first = leases("c1");
  ASSERT_THAT(server_->stop(), IsOk());

  const auto used = run(nonces.use("grant-1", 35s));
  const auto acquired = run(first->acquire(kServer, 0));

  EXPECT_FALSE(used.ok());
  EXPECT_FALSE(acquired.ok());
}

TEST_F(ConnectorRedis, CopiesComeBackWhole) {
  RedisConnectionState states(&rig_->client());
  connector::v1::ServerCatalog catalog;
  catalog.set_server_id(kServer.str());
  catalog.set_state(connector::v1::SERVER_STATE_CONNECTED);
  catalog.set_definitions_hash(std::string(32, '\0'));
  catalog.add_tools()->set_definition(R"({"name":"a"})");

  EXPECT_FALSE(run(states.get(kServer)).value().has_value());
  ASSERT_THAT(run(states.put(catalog)), IsOk());
  const auto copy = run(states.get(kServer)).value();

  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->SerializeAsString(), catalog.SerializeAsString());
  for (const auto* key : {"state", "catalog"}) {
    const auto ttl =
        rig_->run({"TTL", std::string("sluice:connector:") + key + ":" + kServer.str()});
    EXPECT_GT(ttl.value().integer_or(0), 0) << key;
  }
}

}  // namespace
}  // namespace sluice::mcp_connector
