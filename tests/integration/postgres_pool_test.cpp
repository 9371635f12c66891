#include "tests/integration/postgres_rig.h"
#include "tests/support/tcp_gate.h"

#include "common/async/task_group.h"

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

class PostgresPool : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    pool_ = open(options());
    ASSERT_THAT(
        query(
            *pool_,
            "CREATE TABLE item (id bigint PRIMARY KEY, name text, body bytea, ok boolean, size "
            "double precision)"
        ),
        IsOk()
    );
  }

  std::int64_t count() {
    const auto rows = query(*pool_, "SELECT count(*) FROM item");
    EXPECT_THAT(rows, IsOk());
    return rows.ok() ? rows.value()->at(0).integer(0) : -1;
  }

  std::unique_ptr<Pool> pool_;
};

Result<void> insert(Transaction& transaction, std::int64_t id) {
  const auto rows = transaction.query("INSERT INTO item (id) VALUES ($1)", {id});
  return rows.ok() ? Result<void>() : Result<void>(rows.error());
}

TEST_F(PostgresPool, EveryTypeSurvives) {
  const std::string bytes("\0\x01\\'\xFF\n", 6);
  const auto inserted = query(
      *pool_,
      "INSERT INTO item VALUES ($1, $2, $3, $4, $5), ($6, $7, $7, $7, $7)",
      {std::int64_t{-9223372036854775807LL},
       std::string("naïve 'quoted' \\ \t\n"),
       Binary{bytes},
       true,
       0.1,
       std::int64_t{2},
       nullptr}
  );
  ASSERT_THAT(inserted, HasCode(Code::Internal));  // one parameter, two types: the server refuses

  ASSERT_THAT(
      query(
          *pool_,
          "INSERT INTO item VALUES ($1, $2, $3, $4, $5)",
          {std::int64_t{-9223372036854775807LL},
           std::string("naïve 'quoted' \\ \t\n"),
           Binary{bytes},
           true,
           0.1}
      ),
      IsOk()
  );
  const auto rows = query(*pool_, "SELECT id, name, body, ok, size, NULL::text FROM item");

  ASSERT_THAT(rows, IsOk());
  ASSERT_EQ(rows.value()->size(), 1U);
  const Row& row = rows.value()->at(0);
  EXPECT_EQ(row.integer(0), -9223372036854775807LL);
  EXPECT_EQ(row.text(1), "naïve 'quoted' \\ \t\n");
  EXPECT_EQ(row.bytes(2), bytes);
  EXPECT_TRUE(row.flag(3));
  EXPECT_EQ(row.text(4), "0.1");
  EXPECT_TRUE(row.is_null(5));
}

TEST_F(PostgresPool, ParametersAreNeverSql) {
  const auto rows = query(*pool_, "SELECT $1::text", {std::string("'; DROP TABLE item; --")});

  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows.value()->at(0).text(0), "'; DROP TABLE item; --");
  EXPECT_EQ(count(), 0);
}

TEST_F(PostgresPool, TextsThatPostgresCannotHoldAreInvalid) {
  EXPECT_THAT(query(*pool_, "SELECT $1::text", {std::string("a\0b", 3)}), HasCode(Code::Invalid));
  EXPECT_THAT(query(*pool_, "SELECT $1::text", {std::string("\xFF")}), HasCode(Code::Invalid));
}

TEST_F(PostgresPool, WorkIsCommittedWholeOrNotAtAll) {
  const auto good = transact<int>(*pool_, [](Transaction& transaction) -> Result<int> {
    SLUICE_CHECK_OK(insert(transaction, 1));
    SLUICE_CHECK_OK(insert(transaction, 2));
    return 7;
  });
  const auto bad = transact<int>(*pool_, [](Transaction& transaction) -> Result<int> {
    SLUICE_CHECK_OK(insert(transaction, 3));
    return Error(Code::Denied, "changed my mind");
  });

  ASSERT_THAT(good, IsOk());
  EXPECT_EQ(good.value(), 7);
  ASSERT_THAT(bad, HasCode(Code::Denied));
  EXPECT_EQ(count(), 2);
}

TEST_F(PostgresPool, TellsHowManyRowsWereAffected) {
  const auto rows = query(*pool_, "INSERT INTO item (id) VALUES (1), (2), (3)");

  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows.value()->affected(), 3);
  EXPECT_EQ(rows.value()->size(), 0U);
}

TEST_F(PostgresPool, CopiesRows) {
  const std::string bytes("\0\\N\t\n", 5);
  const auto copied = transact<int>(*pool_, [&bytes](Transaction& transaction) -> Result<int> {
    SLUICE_CHECK_OK(transaction.copy(
        "public.item",
        {"id", "name", "body", "ok", "size"},
        {{std::int64_t{1}, std::string("tab\tline\nback\\slash \\N"), Binary{bytes}, false, 2.5},
         {std::int64_t{2}, nullptr, nullptr, nullptr, nullptr},
         {std::int64_t{3}, std::string(), Binary{}, true, -1e300}}
    ));
    return 0;
  });
  ASSERT_THAT(copied, IsOk());

  const auto rows = query(*pool_, "SELECT name, body, size::text FROM item ORDER BY id");

  ASSERT_THAT(rows, IsOk());
  ASSERT_EQ(rows.value()->size(), 3U);
  EXPECT_EQ(rows.value()->at(0).text(0), "tab\tline\nback\\slash \\N");
  EXPECT_EQ(rows.value()->at(0).bytes(1), bytes);
  EXPECT_TRUE(rows.value()->at(1).is_null(0));
  EXPECT_EQ(rows.value()->at(2).text(0), "");
  EXPECT_EQ(rows.value()->at(2).bytes(1), "");
}

TEST_F(PostgresPool, CopyRefusesWhatDoesNotFit) {
  const auto copy = [this](std::vector<std::vector<Parameter>> rows) {
    return transact<int>(*pool_, [rows = std::move(rows)](Transaction& transaction) -> Result<int> {
      SLUICE_CHECK_OK(transaction.copy("item", {"id"}, rows));
      return 0;
    });
  };
  EXPECT_THAT(copy({{std::int64_t{1}}}), IsOk());
  EXPECT_THAT(copy({{std::int64_t{2}}, {std::int64_t{1}}}), HasCode(Code::Conflict));
  EXPECT_THAT(copy({{std::int64_t{1}, true}}), HasCode(Code::Internal));
  EXPECT_EQ(count(), 1);
}

TEST_F(PostgresPool, UniqueViolationsAreConflicts) {
  EXPECT_THAT(query(*pool_, "INSERT INTO item (id) VALUES (1)"), IsOk());
  const auto again = query(*pool_, "INSERT INTO item (id) VALUES (1)");

  ASSERT_THAT(again, HasCode(Code::Conflict));
  EXPECT_THAT(again.error().detail(), ::testing::HasSubstr("23505"));
  EXPECT_THAT(again.error().message(), ::testing::Not(::testing::HasSubstr("item")));
}

TEST_F(PostgresPool, SlowStatementsMeetTheirTimeout) {
  Options fast = options();
  fast.statement_timeout = 100ms;
  const auto pool = open(fast);

  EXPECT_THAT(query(*pool, "SELECT pg_sleep(5)"), HasCode(Code::Deadline));
  EXPECT_THAT(query(*pool, "SELECT 1"), IsOk());
}

TEST_F(PostgresPool, RolesAreKeptToTheirRights) {
  ASSERT_THAT(
      server().execute(
          "CREATE ROLE reader LOGIN PASSWORD 'r''ight'; GRANT SELECT ON item TO reader;", database()
      ),
      IsOk()
  );
  Options reader = options();
  reader.host = "127.0.0.1";
  reader.user = "reader";
  reader.password = Secret<std::string>("r'ight");
  const auto pool = open(reader);
  reader.password = Secret<std::string>("wrong-hunter2");
  const auto stranger = open(reader);

  EXPECT_THAT(query(*pool, "SELECT * FROM item"), IsOk());
  EXPECT_THAT(query(*pool, "DELETE FROM item"), HasCode(Code::Denied));
  const auto refused = query(*stranger, "SELECT 1");
  ASSERT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_THAT(refused.error().to_log(), ::testing::Not(::testing::HasSubstr("hunter2")));
  ASSERT_THAT(server().execute("DROP OWNED BY reader; DROP ROLE reader;", database()), IsOk());
}

TEST_F(PostgresPool, NobodyListeningIsUnavailable) {
  Options nowhere = options();
  nowhere.host = "127.0.0.1";
  nowhere.port = 1;
  const auto pool = open(nowhere);

  EXPECT_THAT(run_sync(loop_, pool->ping()), HasCode(Code::Unavailable));
  EXPECT_TRUE(log_.has("postgres-failed"));
}

TEST_F(PostgresPool, ADeadConnectionIsReplacedAtItsNextUse) {
  Options one = options();
  one.connections = 1;
  const auto pool = open(one);
  ASSERT_THAT(run_sync(loop_, pool->ping()), IsOk());
  ASSERT_THAT(
      server().execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database() +
          "';"
      ),
      IsOk()
  );

  int runs = 0;
  const auto result = transact<int>(*pool, [&runs](Transaction& transaction) -> Result<int> {
    ++runs;
    SLUICE_CHECK_OK(insert(transaction, 1));
    return 1;
  });

  EXPECT_THAT(result, IsOk());
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(count(), 1);
}

TEST_F(PostgresPool, AConnectionLostInTheMiddleIsUnavailableAndUndone) {
  Options one = options();
  one.connections = 1;
  const auto pool = open(one);
  const std::string kill =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND "
      "datname = '" +
      database() + "';";

  int runs = 0;
  const auto result = transact<int>(*pool, [&](Transaction& transaction) -> Result<int> {
    ++runs;
    SLUICE_CHECK_OK(insert(transaction, 1));
    SLUICE_CHECK_OK(server().execute(kill));
    SLUICE_CHECK_OK(insert(transaction, 2));
    return 1;
  });

  EXPECT_THAT(result, HasCode(Code::Unavailable));
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(run_sync(loop_, pool->ping()), IsOk());
  EXPECT_EQ(count(), 0);
}

TEST_F(PostgresPool, ACommitThatNeverAnswersIsNotTakenForDone) {
  Options one = options();
  one.connections = 1;
  const auto pool = open(one);
  const std::string kill =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND "
      "datname = '" +
      database() + "';";

  const auto result = transact<int>(*pool, [&](Transaction& transaction) -> Result<int> {
    SLUICE_CHECK_OK(insert(transaction, 1));
    SLUICE_CHECK_OK(server().execute(kill));
    return 1;
  });

  EXPECT_THAT(result, HasCode(Code::Unavailable));
  EXPECT_EQ(count(), 0);
}

Async<void> insert_through(Pool* pool, std::int64_t id, int* good) {
  const auto result =
      co_await pool->run([id](Transaction& transaction) { return insert(transaction, id); });
  *good += result.ok() ? 1 : 0;
  co_return result;
}

TEST_F(PostgresPool, ManyTransactionsShareFewConnections) {
  constexpr int kTransactions = 200;
  int good = 0;
  async::TaskGroup tasks(loop_.get_executor(), {});
  for (int i = 0; i < kTransactions; ++i) {
    tasks.spawn("insert", insert_through(pool_.get(), i, &good));
  }

  EXPECT_THAT(run_sync(loop_, tasks.close()), IsOk());

  EXPECT_EQ(good, kTransactions);
  EXPECT_EQ(count(), kTransactions);
  const auto used =
      query(*pool_, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()");
  EXPECT_LE(used.value()->at(0).integer(0), 2);
}

TEST_F(PostgresPool, SurvivesARestartOfTheServer) {
  ASSERT_THAT(run_sync(loop_, pool_->ping()), IsOk());
  ASSERT_THAT(server().stop(SIGINT), IsOk());
  EXPECT_THAT(run_sync(loop_, pool_->ping()), HasCode(Code::Unavailable));
  ASSERT_THAT(server().start_again(), IsOk());

  EXPECT_THAT(run_sync(loop_, pool_->ping()), IsOk());
}

}  // namespace
}  // namespace sluice::postgres
