#include "common/postgres/connection_string.h"
#include "common/postgres/migration_files.h"
#include "common/postgres/session.h"
#include "common/postgres/settings.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace sluice::postgres {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

class Folder {
 public:
  Folder()
      : path_(
            std::filesystem::temp_directory_path() /
            ("sluice-migrations-" + std::to_string(::getpid()) + "-" + std::to_string(++made_))
        ) {
    std::filesystem::create_directories(path_);
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;

  ~Folder() { std::filesystem::remove_all(path_); }

  Folder& with(const std::string& name, std::string_view content) {
    std::ofstream(path_ / name) << content;
    return *this;
  }

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  static inline int made_ = 0;
  std::filesystem::path path_;
};

TEST(ConnectionString, EscapesValues) {
  Options options;
  options.host = "/var/run/o'db";
  options.user = "policy_engine";
  options.password = Secret<std::string>(R"(p'w\d x=y)");
  options.connect_timeout = std::chrono::milliseconds(2500);
  options.statement_timeout = std::chrono::milliseconds(750);

  const std::string text = connection_string(options);

  EXPECT_THAT(text, HasSubstr(R"(host='/var/run/o\'db')"));
  EXPECT_THAT(text, HasSubstr(R"(password='p\'w\\d x=y')"));
  EXPECT_THAT(text, HasSubstr("connect_timeout='3'"));
  EXPECT_THAT(text, HasSubstr("-c statement_timeout=750"));
}

TEST(Sqlstate, EveryClassHasItsCode) {
  EXPECT_EQ(code_of_sqlstate("23505"), Code::Conflict);
  EXPECT_EQ(code_of_sqlstate("40001"), Code::Conflict);
  EXPECT_EQ(code_of_sqlstate("40P01"), Code::Conflict);
  EXPECT_EQ(code_of_sqlstate("57014"), Code::Deadline);
  EXPECT_EQ(code_of_sqlstate("55P03"), Code::Deadline);
  EXPECT_EQ(code_of_sqlstate("42501"), Code::Denied);
  EXPECT_EQ(code_of_sqlstate("28P01"), Code::Denied);
  EXPECT_EQ(code_of_sqlstate("08006"), Code::Unavailable);
  EXPECT_EQ(code_of_sqlstate("57P01"), Code::Unavailable);
  EXPECT_EQ(code_of_sqlstate("53300"), Code::Unavailable);
  EXPECT_EQ(code_of_sqlstate("42601"), Code::Internal);
  EXPECT_EQ(code_of_sqlstate("23514"), Code::Internal);
  EXPECT_EQ(code_of_sqlstate(""), Code::Internal);
}

TEST(Settings, NameTheRoleAfterTheService) {
  auto document =
      config::Document::from_text(R"({"postgres": {"host": "/tmp/x", "port": 5433}})", {});
  ASSERT_THAT(document, IsOk());

  const Options options = read_options(document.value(), "policy-engine");

  EXPECT_THAT(document.value().finish(), IsOk());
  EXPECT_EQ(options.user, "policy_engine");
  EXPECT_EQ(options.host, "/tmp/x");
  EXPECT_EQ(options.port, 5433);
  EXPECT_EQ(options.connections, 2U);
}

TEST(ReadMigrations, AreInOrderWithTheirDigest) {
  Folder folder;
  folder.with("0002_b.sql", "SELECT 2").with("0001_a.sql", "abc").with("README.md", "no migration");

  const auto files = read_migrations(folder.path());

  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files.value().size(), 2U);
  EXPECT_EQ(files.value()[0].name, "0001_a.sql");
  EXPECT_EQ(files.value()[0].sha256.size(), 32U);
  EXPECT_EQ(files.value()[1].number, 2);
}

TEST(ReadMigrations, RefusesGapsDoublesAndNamelessFiles) {
  Folder gap;
  gap.with("0001_a.sql", "x").with("0003_b.sql", "x");
  Folder twice;
  twice.with("0001_a.sql", "x").with("0001_b.sql", "x");
  Folder nameless;
  nameless.with("first.sql", "x");
  Folder empty_file;
  empty_file.with("0001_a.sql", "");
  Folder nothing;

  EXPECT_THAT(read_migrations(gap.path()), HasCode(Code::Conflict));
  EXPECT_THAT(read_migrations(twice.path()), HasCode(Code::Conflict));
  EXPECT_THAT(read_migrations(nameless.path()), HasCode(Code::Invalid));
  EXPECT_THAT(read_migrations(empty_file.path()), HasCode(Code::Invalid));
  EXPECT_THAT(read_migrations(nothing.path()), HasCode(Code::NotFound));
  EXPECT_THAT(read_migrations("/nowhere/at/all"), HasCode(Code::NotFound));
}

TEST(LineIn, FindsTheLineOfAFailedStatement) {
  EXPECT_EQ(line_in("ERROR:  syntax error\nLINE 12: CREAT TABLE\n        ^"), "line 12");
  EXPECT_EQ(line_in("ERROR:  division by zero"), "");
  EXPECT_EQ(line_in("LINE x"), "");
}

}  // namespace
}  // namespace sluice::postgres
