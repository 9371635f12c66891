#include "common/postgres/migrate.h"

#include "tests/integration/postgres_rig.h"

#include <filesystem>
#include <fstream>
#include <future>

namespace sluice::postgres {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Migrate : public PostgresTest {
 protected:
  void write(const std::string& name, const std::string& sql) const {
    std::ofstream(folder_.file(name), std::ios::trunc) << sql;
  }

  [[nodiscard]] Result<MigrationReport> run() const { return migrate(options(), folder_.path()); }

  // The first column of the first row, or -1.
  std::int64_t number(const std::string& sql) {
    const auto pool = open(options());
    const auto rows = query(*pool, sql);
    EXPECT_THAT(rows, IsOk());
    return rows.ok() ? rows.value()->at(0).integer(0) : -1;
  }

 private:
  tests::TemporaryDirectory folder_;
};

TEST_F(Migrate, AppliesInOrderAndOnce) {
  write("0001_item.sql", "CREATE TABLE item (id int);\nINSERT INTO item VALUES (1);\n");
  write("0002_more.sql", "INSERT INTO item SELECT id + 1 FROM item;");

  const auto first = run();
  const auto second = run();
  write("0003_last.sql", "INSERT INTO item VALUES (3);");
  const auto third = run();

  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(first.value().applied, ElementsAre("0001_item.sql", "0002_more.sql"));
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second.value().applied.empty());
  EXPECT_EQ(second.value().already, 2);
  ASSERT_THAT(third, IsOk());
  EXPECT_THAT(third.value().applied, ElementsAre("0003_last.sql"));
  EXPECT_EQ(number("SELECT count(*) FROM item"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM public.sluice_migrations WHERE length(sha256) = 32"), 3);
}

TEST_F(Migrate, AnEditedMigrationIsAConflict) {
  write("0001_item.sql", "CREATE TABLE item (id int);");
  ASSERT_THAT(run(), IsOk());

  write("0001_item.sql", "CREATE TABLE item (id bigint);");
  const auto result = run();

  ASSERT_THAT(result, HasCode(Code::Conflict));
  EXPECT_THAT(
      result.error().message(), HasSubstr("0001_item.sql: was edited after it was applied")
  );
}

TEST_F(Migrate, AnOlderReleaseDoesNotRunOnANewerDatabase) {
  write("0001_item.sql", "CREATE TABLE item (id int);");
  write("0002_more.sql", "CREATE TABLE more (id int);");
  ASSERT_THAT(run(), IsOk());
  const tests::TemporaryDirectory older;
  std::ofstream(older.file("0001_item.sql")) << "CREATE TABLE item (id int);";

  const auto result = migrate(options(), older.path());

  ASSERT_THAT(result, HasCode(Code::Conflict));
  EXPECT_THAT(
      result.error().message(), HasSubstr("0002_more.sql: is applied but not in the folder")
  );
}

TEST_F(Migrate, AFailedMigrationIsUndoneAndNamesItsLine) {
  write("0001_item.sql", "CREATE TABLE item (id int);");
  write("0002_bad.sql", "CREATE TABLE half (id int);\n\nCREAT TABLE other (id int);\n");

  const auto result = run();

  ASSERT_THAT(result, HasCode(Code::Internal));
  EXPECT_THAT(result.error().message(), HasSubstr("0002_bad.sql, line 3: "));
  EXPECT_EQ(number("SELECT count(*) FROM pg_tables WHERE tablename = 'item'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM pg_tables WHERE tablename = 'half'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM public.sluice_migrations"), 1);
}

TEST_F(Migrate, TwoAtOnceApplyEachMigrationOnce) {
  write("0001_item.sql", "CREATE TABLE item (id int);");
  write("0002_fill.sql", "SELECT pg_sleep(0.2);\nINSERT INTO item VALUES (1);");

  auto other = std::async(std::launch::async, [this] { return run(); });
  const auto mine = run();
  const auto theirs = other.get();

  ASSERT_THAT(mine, IsOk());
  ASSERT_THAT(theirs, IsOk());
  EXPECT_EQ(mine.value().applied.size() + theirs.value().applied.size(), 2U);
  EXPECT_EQ(number("SELECT count(*) FROM item"), 1);
}

TEST_F(Migrate, ADatabaseThatIsDownIsUnavailable) {
  write("0001_item.sql", "SELECT 1;");
  Options nowhere = options();
  nowhere.port = 1;
  const tests::TemporaryDirectory empty;
  nowhere.host = empty.path();
  std::ofstream(empty.file("0001_item.sql")) << "SELECT 1;";

  EXPECT_THAT(migrate(nowhere, empty.path()), HasCode(Code::Unavailable));
}

struct Ended {
  int status = -1;
  std::string output;
};

Ended run_binary(std::vector<std::string> arguments) {
  const tests::TemporaryDirectory folder;
  const std::string build = tests::environment_or("SLUICE_BUILD_DIR", "build/dev");
  arguments.insert(arguments.begin(), build + "/bin/migrate");
  auto process = tests::Process::spawn(
      {.argv = std::move(arguments),
       .environment = {},
       .output_file = folder.file("out"),
       .working_directory = {}}
  );
  EXPECT_THAT(process, IsOk());
  const auto status = process.value()->wait(std::chrono::seconds(20));
  EXPECT_THAT(status, IsOk());
  return {
      .status = status.ok() ? status.value() : -1, .output = tests::read_text(folder.file("out"))
  };
}

TEST_F(Migrate, TheBinaryAppliesWithARoleAndAPasswordFile) {
  write("0001_item.sql", "CREATE TABLE item (id int);");
  ASSERT_THAT(
      server().execute(
          "CREATE ROLE owner_of_it LOGIN PASSWORD 'pw'; ALTER DATABASE " + database() +
          " OWNER TO owner_of_it;"
      ),
      IsOk()
  );
  const tests::TemporaryDirectory folder;
  std::ofstream(folder.file("password")) << "pw\n";
  std::ofstream(folder.file("0001_item.sql")) << "CREATE TABLE item (id int);";
  std::vector<std::string> arguments{
      "--host",
      "127.0.0.1",
      "--port",
      std::to_string(server().port()),
      "--database",
      database(),
      "--user",
      "owner_of_it",
      "--password-file",
      folder.file("password"),
      "--folder",
      folder.path(),
  };

  const Ended first = run_binary(arguments);
  const Ended second = run_binary(arguments);

  EXPECT_EQ(first.status, 0) << first.output;
  EXPECT_THAT(first.output, HasSubstr("applied 0001_item.sql\n1 applied, 0 were already"));
  EXPECT_EQ(second.status, 0);
  EXPECT_THAT(second.output, HasSubstr("0 applied, 1 were already"));
}

TEST_F(Migrate, TheBinaryRefusesArgumentsItDoesNotKnow) {
  const Ended ended = run_binary({"--hots", "x"});
  const Ended port = run_binary({"--port", "seven"});

  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.output, HasSubstr("--hots: is no option"));
  EXPECT_EQ(port.status, 2);
  EXPECT_THAT(port.output, HasSubstr("--port: is \"seven\""));
}

// The database, roles and rights as a deployment makes them, then the project's own migrations.
TEST_F(Migrate, TheProjectsOwnMigrationsApplyToAnEmptyDatabase) {
  const std::string source = tests::source_directory();
  const tests::TemporaryDirectory secrets;
  for (const char* owner :
       {"migrate", "policy-engine", "mcp-connector", "audit-writer", "reader"}) {
    std::filesystem::create_directory(secrets.file(owner));
    std::ofstream(secrets.file(owner) + "/postgres.password") << "pw-" << owner;
  }
  auto script = tests::Process::spawn(
      {.argv = {"python3", source + "/deploy/init-postgres", secrets.path()},
       .environment = {},
       .output_file = secrets.file("init.sql"),
       .working_directory = {}}
  );
  ASSERT_THAT(script, IsOk());
  ASSERT_THAT(script.value()->wait(std::chrono::seconds(20)), IsOk());
  ASSERT_THAT(server().execute(tests::read_text(secrets.file("init.sql"))), IsOk());
  Options owner = options();
  owner.host = "127.0.0.1";
  owner.database = "sluice";
  owner.user = "sluice_owner";
  owner.password = Secret<std::string>("pw-migrate");

  const auto first = migrate(owner, source + "/migrations");
  const auto again = migrate(owner, source + "/migrations");

  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first.value().applied.empty());
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again.value().applied.empty());
}

}  // namespace
}  // namespace sluice::postgres
