// One PostgreSQL for all cases of a test binary; for each case a fresh database with the roles and
// migrations of Sluice.
#pragma once

#include "services/audit-writer/adapters/pg_audit_store.h"
#include "services/audit-writer/testing/builders.h"
#include "tests/support/postgres_server.h"

#include "common/observability/testing/recording_log.h"
#include "common/postgres/migrate.h"
#include "common/postgres/pool.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::audit_writer {

inline tests::PostgresServer& database_server() {
  static const auto kServer = [] {
    auto started = tests::PostgresServer::start();
    SLUICE_CHECK(started.ok(), "PostgreSQL is installed and starts");
    const auto roles = started.value()->execute(
        "CREATE ROLE sluice_owner LOGIN PASSWORD 'owner'; CREATE ROLE audit_writer LOGIN PASSWORD "
        "'writer';"
        "CREATE ROLE policy_engine LOGIN; CREATE ROLE mcp_connector LOGIN; CREATE ROLE "
        "audit_reader LOGIN;"
    );
    SLUICE_CHECK(roles.ok(), "the superuser makes roles");
    return std::move(started).value();
  }();
  return *kServer;
}

// The trail of one case, and ways to look into it.
class AuditTrail {
 public:
  AuditTrail() {
    static int made = 0;
    database_ = "trail" + std::to_string(++made);
    const auto created = database_server().execute(
        "CREATE DATABASE " + database_ + " OWNER sluice_owner; REVOKE ALL ON DATABASE " +
        database_ + " FROM PUBLIC; GRANT CONNECT ON DATABASE " + database_ +
        " TO audit_writer, audit_reader, mcp_connector;"
    );
    SLUICE_CHECK(created.ok(), "the superuser makes databases");
    const auto owned = database_server().execute(
        "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO "
        "sluice_owner;",
        database_
    );
    SLUICE_CHECK(owned.ok(), "the superuser owns the schema public");
    const auto migrated =
        postgres::migrate(options("sluice_owner"), tests::source_directory() + "/migrations");
    SLUICE_CHECK(migrated.ok(), "the migrations apply to an empty database");
  }

  [[nodiscard]] postgres::Options options(const std::string& role) const {
    postgres::Options options;
    options.host = database_server().socket_directory();
    options.port = database_server().port();
    options.database = database_;
    options.user = role;
    return options;
  }

  [[nodiscard]] const std::string& database() const { return database_; }

 private:
  std::string database_;
};

// Store, loop and questions in SQL.
class AuditTest : public ::testing::Test {
 protected:
  template <class T>
  Result<T> run(Async<T> operation) {
    return testing::run_sync(loop_, std::move(operation));
  }

  std::unique_ptr<postgres::Pool> pool_of(const std::string& role) {
    return postgres::Pool::open(&clock_, &log_, trail_.options(role));
  }

  // One statement as that role; each row's columns as text.
  Result<std::vector<std::vector<std::string>>> sql(
      const std::string& role, std::string statement
  ) {
    using Table = std::vector<std::vector<std::string>>;
    const auto pool = pool_of(role);
    return run(pool->transact<Table>(
        [statement = std::move(statement)](postgres::Transaction& transaction) -> Result<Table> {
          SLUICE_TRY(
              const auto rows,
              transaction.query("SELECT row_to_json(t)::text FROM (" + statement + ") t", {})
          );
          Table table;
          for (std::size_t i = 0; i < rows->size(); ++i) {
            table.push_back({rows->at(i).text(0)});
          }
          return table;
        }
    ));
  }

  // A statement whose success or failure matters.
  Result<void> execute(const std::string& role, std::string statement) {
    const auto pool = pool_of(role);
    return run(pool->run(
        [statement = std::move(statement)](postgres::Transaction& transaction) -> Result<void> {
          const auto rows = transaction.query(statement, {});
          return rows.ok() ? Result<void>() : Result<void>(rows.error());
        }
    ));
  }

  // The only number a statement answers.
  std::int64_t number(std::string statement) {
    const auto pool = pool_of("audit_reader");
    const auto value = run(pool->transact<std::int64_t>(
        [statement =
             std::move(statement)](postgres::Transaction& transaction) -> Result<std::int64_t> {
          SLUICE_TRY(const auto rows, transaction.query(statement, {}));
          return rows->at(0).integer(0);
        }
    ));
    EXPECT_THAT(value, testing::IsOk());
    return value.ok() ? value.value() : -1;
  }

  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  observability::RecordingLog log_;
  AuditTrail trail_;
};

}  // namespace sluice::audit_writer
