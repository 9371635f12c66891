#include "services/mcp-connector/adapters/postgres_servers.h"

#include "services/mcp-connector/limits.h"

#include "common/async/deadline.h"

#include <string_view>
#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr std::string_view kList =
    "SELECT id, name, sealed, revision FROM connector.servers ORDER BY name LIMIT $1";
// Only insertions wait for each other, so that together they keep to the limit.
constexpr std::string_view kLock =
    "SELECT pg_advisory_xact_lock(hashtextextended('connector.servers', 0))";
constexpr std::string_view kCount = "SELECT count(*) FROM connector.servers";
constexpr std::string_view kInsert =
    "INSERT INTO connector.servers (id, name, sealed, changed_by) VALUES ($1, $2, $3, $4)";
constexpr std::string_view kUpdate =
    "UPDATE connector.servers SET sealed = $1, revision = revision + 1, changed_by = $2, "
    "changed_at = clock_timestamp() WHERE id = $3 AND revision = $4";
constexpr std::string_view kRemove = "DELETE FROM connector.servers WHERE id = $1";

struct Kept {
  std::string id;
  std::string name;
  std::string sealed;
  std::int64_t revision = 0;
};

Result<std::vector<Kept>> list_in(postgres::Transaction& transaction) {
  SLUICE_TRY(
      const auto rows, transaction.query(kList, {static_cast<std::int64_t>(kServersAddedMax + 1)})
  );
  std::vector<Kept> kept;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const postgres::Row& row = rows->at(i);
    kept.push_back({row.text(0), row.text(1), row.bytes(2), row.integer(3)});
  }
  return kept;
}

Error already_there() {
  return Error(
      Code::Conflict, "there is a server of that name; change it with PUT, or remove it first"
  );
}

Result<bool> insert_in(
    postgres::Transaction& transaction, const Kept& kept, const std::string& principal
) {
  SLUICE_TRY(const auto locked, transaction.query(kLock, {}));
  SLUICE_TRY(const auto count, transaction.query(kCount, {}));
  if (count->at(0).integer(0) >= static_cast<std::int64_t>(kServersAddedMax)) {
    return Error(
        Code::Exhausted,
        "there are " + std::to_string(kServersAddedMax) +
            " servers added by API already; remove some first"
    );
  }
  const auto rows =
      transaction.query(kInsert, {kept.id, kept.name, postgres::Binary{kept.sealed}, principal});
  if (!rows.ok()) {
    return rows.error().code() == Code::Conflict ? already_there() : rows.error();
  }
  return true;
}

Result<bool> update_in(
    postgres::Transaction& transaction, const Kept& kept, const std::string& principal
) {
  SLUICE_TRY(
      const auto rows,
      transaction.query(kUpdate, {postgres::Binary{kept.sealed}, principal, kept.id, kept.revision})
  );
  return rows->affected() > 0;
}

}  // namespace

template <class T>
Async<T> PostgresServers::transact(std::function<Result<T>(postgres::Transaction&)> work) {
  co_return co_await async::with_deadline(
      deps_.clock,
      deps_.clock->now() + kServerStoreTimeout,
      deps_.pool->transact<T>(std::move(work))
  );
}

Async<std::vector<ServerStore::Row>> PostgresServers::list() {
  std::function<Result<std::vector<Kept>>(postgres::Transaction&)> work = &list_in;
  SLUICE_CO_TRY(auto kept, co_await transact<std::vector<Kept>>(std::move(work)));
  std::vector<Row> rows;
  rows.reserve(kept.size());
  for (Kept& one : kept) {
    auto opened = deps_.key.open(one.sealed, one.id);
    rows.push_back(
        {.id = ServerId(one.id),
         .name = std::move(one.name),
         .config = opened.ok() ? std::optional(std::move(opened).value()) : std::nullopt,
         .revision = one.revision}
    );
  }
  co_return rows;
}

Async<void> PostgresServers::insert(Row row, std::string principal) {
  Kept kept{row.id.str(), row.name, deps_.key.seal(row.config.value_or(""), row.id.str()), 0};
  std::function<Result<bool>(postgres::Transaction&)> work =
      [kept = std::move(kept), principal = std::move(principal)](postgres::Transaction& transaction
      ) { return insert_in(transaction, kept, principal); };
  SLUICE_CO_TRY(const bool done, co_await transact<bool>(std::move(work)));
  static_cast<void>(done);
  co_return Result<void>();
}

Async<void> PostgresServers::update(Row row, std::string principal) {
  Kept kept{
      row.id.str(), row.name, deps_.key.seal(row.config.value_or(""), row.id.str()), row.revision
  };
  std::function<Result<bool>(postgres::Transaction&)> work =
      [kept = std::move(kept), principal = std::move(principal)](postgres::Transaction& transaction
      ) { return update_in(transaction, kept, principal); };
  SLUICE_CO_TRY(const bool done, co_await transact<bool>(std::move(work)));
  if (!done) {
    co_return Error(
        Code::Conflict, "somebody else has changed the server meanwhile; read it and try again"
    );
  }
  co_return Result<void>();
}

Async<bool> PostgresServers::remove(ServerId id) {
  std::function<Result<bool>(postgres::Transaction&)> work =
      [key = id.str()](postgres::Transaction& transaction) -> Result<bool> {
    SLUICE_TRY(const auto rows, transaction.query(kRemove, {key}));
    return rows->affected() > 0;
  };
  co_return co_await transact<bool>(std::move(work));
}

}  // namespace sluice::mcp_connector
