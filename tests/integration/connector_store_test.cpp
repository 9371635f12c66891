// Servers added by API in a real Postgres, with the service's own role over the real migrations.
#include "services/mcp-connector/adapters/postgres_servers.h"
#include "services/mcp-connector/limits.h"
#include "tests/integration/migrated_rig.h"

#include "common/mcp/server_id.h"

#include <string>

namespace sluice::mcp_connector {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

crypto::SealingKey key_of(char digit) {
  return crypto::SealingKey::from_hex(Secret<std::string>(std::string(64, digit))).value();
}

ServerStore::Row row_of(const std::string& name, const std::string& config) {
  return {.id = mcp::server_id(name), .name = name, .config = config, .revision = 0};
}

class ConnectorStore : public postgres::MigratedTest {
 protected:
  void SetUp() override {
    MigratedTest::SetUp();
    pool_ = open(as_service());
  }

  [[nodiscard]] postgres::Options as_service() const { return as_role("mcp_connector"); }

  PostgresServers store(char digit = 'a') {
    return PostgresServers({.pool = pool_.get(), .clock = &clock_, .key = key_of(digit)});
  }

  std::unique_ptr<postgres::Pool> pool_;
};

TEST_F(ConnectorStore, KeepsChangesAndRemovesServers) {
  auto servers = store();
  ASSERT_THAT(run_sync(loop_, servers.insert(row_of("b", R"({"x":1})"), "key:a")), IsOk());
  ASSERT_THAT(run_sync(loop_, servers.insert(row_of("a", R"({"x":2})"), "key:a")), IsOk());

  auto rows = run_sync(loop_, servers.list()).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "a");
  EXPECT_EQ(rows[0].config, R"({"x":2})");
  EXPECT_EQ(rows[0].id, mcp::server_id("a"));
  EXPECT_EQ(rows[0].revision, 1);

  const ServerStore::Row old = rows[0];
  rows[0].config = R"({"x":3})";
  ASSERT_THAT(run_sync(loop_, servers.update(rows[0], "key:b")), IsOk());
  EXPECT_THAT(run_sync(loop_, servers.update(old, "key:c")), HasCode(Code::Conflict));
  EXPECT_EQ(run_sync(loop_, servers.list()).value()[0].config, R"({"x":3})");

  EXPECT_TRUE(run_sync(loop_, servers.remove(old.id)).value());
  EXPECT_FALSE(run_sync(loop_, servers.remove(old.id)).value());
  EXPECT_EQ(run_sync(loop_, servers.list()).value().size(), 1U);
}

TEST_F(ConnectorStore, ANameIsTakenOnceAndTheNumberIsBounded) {
  auto servers = store();
  ASSERT_THAT(run_sync(loop_, servers.insert(row_of("a", "{}"), "key:a")), IsOk());
  EXPECT_THAT(run_sync(loop_, servers.insert(row_of("a", "{}"), "key:a")), HasCode(Code::Conflict));
  for (std::size_t i = 1; i < kServersAddedMax; ++i) {
    ASSERT_THAT(
        run_sync(loop_, servers.insert(row_of("s" + std::to_string(i), "{}"), "key:a")), IsOk()
    );
  }

  EXPECT_THAT(
      run_sync(loop_, servers.insert(row_of("z", "{}"), "key:a")), HasCode(Code::Exhausted)
  );
}

TEST_F(ConnectorStore, WhatIsKeptIsSealed) {
  auto servers = store();
  ASSERT_THAT(run_sync(loop_, servers.insert(row_of("a", R"({"k":"s3cret"})"), "key:a")), IsOk());

  const auto found = query(
      *pool_, "SELECT 1 FROM connector.servers WHERE position('s3cret'::bytea IN sealed) > 0"
  );
  EXPECT_EQ(found.value()->size(), 0U);
  auto other = store('b');
  const auto rows = run_sync(loop_, other.list());
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows.value()[0].config, std::nullopt);
}

TEST_F(ConnectorStore, TheRoleReachesItsOwnSchemaOnly) {
  EXPECT_THAT(query(*pool_, "SELECT 1 FROM policy.versions"), HasCode(Code::Denied));
  EXPECT_THAT(query(*pool_, "SELECT 1 FROM audit.records"), HasCode(Code::Denied));
  EXPECT_THAT(query(*pool_, "DROP TABLE connector.servers"), HasCode(Code::Denied));
}

TEST_F(ConnectorStore, AMissingDatabaseIsUnavailable) {
  postgres::Options gone = as_service();
  gone.host = "/nonexistent";
  pool_ = open(gone);
  auto servers = store();

  EXPECT_THAT(run_sync(loop_, servers.list()), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::mcp_connector
