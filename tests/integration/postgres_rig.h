// One PostgreSQL for all cases of a test binary, and a fresh database for each.
#pragma once

#include "tests/support/postgres_server.h"

#include "common/observability/testing/recording_log.h"
#include "common/postgres/pool.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace sluice::postgres {

inline tests::PostgresServer& server() {
  static const auto kServer = [] {
    auto started = tests::PostgresServer::start();
    SLUICE_CHECK(started.ok(), "PostgreSQL is installed and starts");
    return std::move(started).value();
  }();
  return *kServer;
}

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static int made = 0;
    database_ = "t" + std::to_string(++made);
    ASSERT_THAT(server().execute("CREATE DATABASE " + database_ + ";"), sluice::testing::IsOk());
  }

  [[nodiscard]] Options options() const {
    Options options;
    options.host = server().socket_directory();
    options.port = server().port();
    options.database = database_;
    options.user = "postgres";
    return options;
  }

  [[nodiscard]] const std::string& database() const { return database_; }

  template <class T>
  Result<T> transact(Pool& pool, std::function<Result<T>(Transaction&)> work) {
    return sluice::testing::run_sync(loop_, pool.transact<T>(std::move(work)));
  }

  // One statement in a transaction of its own; the rows.
  Result<std::unique_ptr<Rows>> query(
      Pool& pool, std::string sql, std::vector<Parameter> parameters = {}
  ) {
    return transact<std::unique_ptr<Rows>>(
        pool,
        [sql = std::move(sql), parameters = std::move(parameters)](Transaction& transaction) {
          return transaction.query(sql, parameters);
        }
    );
  }

  std::unique_ptr<Pool> open(Options options) {
    return Pool::open(&clock_, &log_, std::move(options));
  }

  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  observability::RecordingLog log_;

 private:
  std::string database_;
};

}  // namespace sluice::postgres
