#include "common/postgres/migrate.h"

#include "common/base/bytes.h"
#include "common/postgres/connection_string.h"
#include "common/postgres/migration_files.h"
#include "common/postgres/session.h"

#include <optional>
#include <utility>

namespace sluice::postgres {
namespace {

// One migration at a time in the whole database. The number means nothing but "sluice migrations".
constexpr std::int64_t kLock = 0x736C75696365;

// Building an index on a filled table takes its time; the services' timeout does not fit.
constexpr std::chrono::minutes kStatementTimeout{30};

Result<void> lock(Transaction& transaction) {
  const auto locked = transaction.query("SELECT pg_advisory_xact_lock($1)", {kLock});
  return locked.ok() ? Result<void>() : Result<void>(locked.error());
}

Result<void> make_table(Transaction& transaction) {
  SLUICE_CHECK_OK(lock(transaction));
  const auto made = transaction.query(
      "CREATE TABLE IF NOT EXISTS public.sluice_migrations ("
      "number integer PRIMARY KEY, file text NOT NULL, sha256 bytea NOT NULL, "
      "applied_at timestamptz NOT NULL DEFAULT now())",
      {}
  );
  return made.ok() ? Result<void>() : Result<void>(made.error());
}

Error failed(const MigrationFile& migration, const Error& error) {
  const std::string line = line_in(error.detail());
  const std::string text = error.detail().substr(0, error.detail().find('\n'));
  const Code code = error.code() == Code::Unavailable ? Code::Unavailable : Code::Internal;
  return Error(
             code,
             migration.name + (line.empty() ? "" : ", " + line) + ": " +
                 (text.empty() ? error.message() : text)
  )
      .with_detail(error.detail());
}

// nullopt: not applied yet. Errors: Conflict (another content was).
Result<bool> is_applied(Transaction& transaction, const MigrationFile& migration) {
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          "SELECT sha256, file FROM public.sluice_migrations WHERE number = $1", {migration.number}
      )
  );
  if (rows->size() == 0) {
    return false;
  }
  if (rows->at(0).bytes(0) != migration.sha256) {
    return Error(
        Code::Conflict,
        migration.name + ": was edited after it was applied (as " + rows->at(0).text(1) +
            "); restore it and put the change into a new migration"
    );
  }
  return true;
}

// True when it was applied now.
Result<void> apply(Transaction& transaction, const MigrationFile& migration, bool* applied) {
  SLUICE_CHECK_OK(lock(transaction));
  SLUICE_TRY(const bool already, is_applied(transaction, migration));
  if (already) {
    return {};
  }
  const auto run = transaction.query(migration.sql, {});
  if (!run.ok()) {
    return failed(migration, run.error());
  }
  const auto noted = transaction.query(
      "INSERT INTO public.sluice_migrations (number, file, sha256) VALUES ($1, $2, $3)",
      {migration.number, migration.name, Binary{migration.sha256}}
  );
  if (!noted.ok()) {
    return failed(migration, noted.error());
  }
  *applied = true;
  return {};
}

Result<void> check_none_beyond(Transaction& transaction, std::size_t count) {
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          "SELECT file FROM public.sluice_migrations WHERE number > $1 ORDER BY number LIMIT 1",
          {static_cast<std::int64_t>(count)}
      )
  );
  if (rows->size() > 0) {
    return Error(
        Code::Conflict,
        rows->at(0).text(0) + ": is applied but not in the folder; use the release that has it"
    );
  }
  return {};
}

}  // namespace

Result<MigrationReport> migrate(const Options& options, const std::string& folder) {
  SLUICE_TRY(const auto migrations, read_migrations(folder));
  Options patient = options;
  patient.statement_timeout = kStatementTimeout;
  Session session(connection_string(patient));
  SLUICE_CHECK_OK(session.transact(make_table));
  SLUICE_CHECK_OK(session.transact([&migrations](Transaction& transaction) {
    return check_none_beyond(transaction, migrations.size());
  }));
  MigrationReport report;
  for (const MigrationFile& migration : migrations) {
    bool applied = false;
    SLUICE_CHECK_OK(session.transact([&migration, &applied](Transaction& transaction) {
      return apply(transaction, migration, &applied);
    }));
    if (applied) {
      report.applied.push_back(migration.name);
    } else {
      ++report.already;
    }
  }
  return report;
}

}  // namespace sluice::postgres
