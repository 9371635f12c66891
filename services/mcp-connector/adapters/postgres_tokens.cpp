#include "services/mcp-connector/adapters/postgres_tokens.h"

#include "services/mcp-connector/oauth/limits.h"

#include "common/async/deadline.h"
#include "common/crypto/sha256.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

using oauth::Client;
using oauth::Demand;
using oauth::Pending;
using oauth::TokenOwner;
using oauth::Tokens;
using Columns = std::vector<std::string>;

constexpr std::string_view kFindTokens =
    "SELECT sealed FROM connector.tokens WHERE server_id = $1 AND principal = $2";
constexpr std::string_view kPutTokens =
    "INSERT INTO connector.tokens (server_id, principal, issuer, resource, sealed) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (server_id, principal) DO UPDATE SET "
    "issuer = excluded.issuer, resource = excluded.resource, sealed = excluded.sealed, "
    "updated_at = clock_timestamp()";
constexpr std::string_view kDropTokens =
    "DELETE FROM connector.tokens WHERE server_id = $1 AND principal = $2";
constexpr std::string_view kForgetTokens = "DELETE FROM connector.tokens WHERE server_id = $1";
constexpr std::string_view kForgetDemands =
    "DELETE FROM connector.oauth_demands WHERE server_id = $1";
constexpr std::string_view kFindClient =
    "SELECT sealed FROM connector.oauth_clients WHERE issuer = $1 AND redirect_uri = $2";
constexpr std::string_view kPutClient =
    "INSERT INTO connector.oauth_clients (issuer, redirect_uri, client_id, sealed) "
    "VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, redirect_uri) DO UPDATE SET "
    "client_id = excluded.client_id, sealed = excluded.sealed, registered_at = clock_timestamp()";
constexpr std::string_view kDropClient =
    "DELETE FROM connector.oauth_clients WHERE issuer = $1 AND client_id = $2";
// The oldest of a server make room, and those nobody finished in time go.
constexpr std::string_view kPrune =
    "DELETE FROM connector.oauth_pending WHERE expires_at < clock_timestamp() OR state_hash IN "
    "(SELECT state_hash FROM connector.oauth_pending WHERE server_id = $1 "
    "ORDER BY expires_at DESC OFFSET $2)";
constexpr std::string_view kBegin =
    "INSERT INTO connector.oauth_pending (state_hash, server_id, sealed, expires_at) "
    "VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))";
constexpr std::string_view kTake =
    "DELETE FROM connector.oauth_pending WHERE state_hash = $1 "
    "RETURNING CASE WHEN expires_at < clock_timestamp() THEN NULL ELSE sealed END";
constexpr std::string_view kFindDemand =
    "SELECT resource_metadata, scopes, issuer, asked_before FROM connector.oauth_demands "
    "WHERE server_id = $1 AND principal = $2";
constexpr std::string_view kPutDemand =
    "INSERT INTO connector.oauth_demands "
    "(server_id, principal, resource_metadata, scopes, issuer, asked_before) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (server_id, principal) DO UPDATE SET "
    "resource_metadata = excluded.resource_metadata, scopes = excluded.scopes, "
    "issuer = excluded.issuer, asked_before = excluded.asked_before, "
    "updated_at = clock_timestamp()";
constexpr int kDemandColumns = 4;
constexpr double kMsPerSecond = 1000.0;

// The parts cannot hold the separator: ids are hexadecimal, and the rest comes last.
std::string tokens_context(const TokenOwner& owner) {
  return "connector.tokens\n" + owner.server_id + "\n" + owner.principal;
}

std::string client_context(const std::string& issuer, const std::string& redirect) {
  return "connector.oauth_clients\n" + crypto::sha256(issuer) + redirect;
}

std::string pending_context(const std::string& state_hash) {
  return "connector.oauth_pending\n" + state_hash;
}

Result<std::optional<Columns>> first_in(
    postgres::Transaction& transaction,
    std::string_view sql,
    const std::vector<postgres::Parameter>& parameters,
    bool is_sealed
) {
  SLUICE_TRY(const auto rows, transaction.query(sql, parameters));
  if (rows->size() == 0 || rows->at(0).is_null(0)) {
    return std::optional<Columns>();
  }
  Columns columns;
  if (is_sealed) {
    columns.push_back(rows->at(0).bytes(0));
    return std::optional(std::move(columns));
  }
  for (int column = 0; column < kDemandColumns; ++column) {
    columns.push_back(rows->at(0).text(column));
  }
  return std::optional(std::move(columns));
}

}  // namespace

postgres::Parameter PostgresTokens::sealed(std::string_view plain, std::string_view context) const {
  return postgres::Binary{deps_.key.seal(plain, context)};
}

Async<std::optional<Columns>> PostgresTokens::first_row(
    std::string_view sql, std::vector<postgres::Parameter> parameters, bool is_sealed
) {
  std::function<Result<std::optional<Columns>>(postgres::Transaction&)> work =
      [sql, parameters = std::move(parameters), is_sealed](postgres::Transaction& transaction) {
        return first_in(transaction, sql, parameters, is_sealed);
      };
  co_return co_await async::with_deadline(
      deps_.clock,
      deps_.clock->now() + oauth::kStoreTimeout,
      deps_.pool->transact<std::optional<Columns>>(std::move(work))
  );
}

Async<void> PostgresTokens::execute(
    std::string_view sql, std::vector<postgres::Parameter> parameters
) {
  std::function<Result<void>(postgres::Transaction&)> work =
      [sql, parameters = std::move(parameters)](postgres::Transaction& transaction) {
        const auto done = transaction.query(sql, parameters);
        return done.ok() ? Result<void>() : Result<void>(done.error());
      };
  co_return co_await async::with_deadline(
      deps_.clock, deps_.clock->now() + oauth::kStoreTimeout, deps_.pool->run(std::move(work))
  );
}

Async<std::optional<Tokens>> PostgresTokens::find(TokenOwner owner) {
  SLUICE_CO_TRY(
      const auto row, co_await first_row(kFindTokens, {owner.server_id, owner.principal}, true)
  );
  if (!row) {
    co_return std::optional<Tokens>();
  }
  // What another key sealed is of no use: a person, or the credentials, bring new ones.
  const auto plain = deps_.key.open(row->front(), tokens_context(owner));
  co_return plain.ok() ? oauth::read_tokens(plain.value()) : std::nullopt;
}

Async<void> PostgresTokens::put(TokenOwner owner, Tokens tokens) {
  auto bytes = sealed(oauth::write_tokens(tokens), tokens_context(owner));
  co_return co_await execute(
      kPutTokens,
      {owner.server_id, owner.principal, tokens.issuer, tokens.resource, std::move(bytes)}
  );
}

Async<void> PostgresTokens::drop(TokenOwner owner) {
  co_return co_await execute(kDropTokens, {owner.server_id, owner.principal});
}

Async<void> PostgresTokens::forget(std::string server_id) {
  SLUICE_CO_CHECK_OK(co_await execute(kForgetTokens, {server_id}));
  co_return co_await execute(kForgetDemands, {std::move(server_id)});
}

Async<std::optional<Client>> PostgresTokens::find_client(std::string issuer, std::string redirect) {
  SLUICE_CO_TRY(const auto row, co_await first_row(kFindClient, {issuer, redirect}, true));
  if (!row) {
    co_return std::optional<Client>();
  }
  const auto plain = deps_.key.open(row->front(), client_context(issuer, redirect));
  co_return plain.ok() ? oauth::read_client(plain.value()) : std::nullopt;
}

Async<void> PostgresTokens::put_client(std::string issuer, std::string redirect, Client client) {
  auto bytes = sealed(oauth::write_client(client), client_context(issuer, redirect));
  co_return co_await execute(kPutClient, {issuer, redirect, client.id, std::move(bytes)});
}

Async<void> PostgresTokens::drop_client(std::string issuer, std::string client_id) {
  co_return co_await execute(kDropClient, {std::move(issuer), std::move(client_id)});
}

Async<void> PostgresTokens::begin(
    std::string state, Pending pending, std::chrono::milliseconds time
) {
  const std::string hash = crypto::sha256(state);
  SLUICE_CO_CHECK_OK(co_await execute(kPrune, {pending.server_id, oauth::kPendingMax - 1}));
  auto bytes = sealed(oauth::write_pending(pending), pending_context(hash));
  co_return co_await execute(
      kBegin,
      {postgres::Binary{hash},
       pending.server_id,
       std::move(bytes),
       static_cast<double>(time.count()) / kMsPerSecond}
  );
}

Async<std::optional<Pending>> PostgresTokens::take(std::string state) {
  const std::string hash = crypto::sha256(state);
  SLUICE_CO_TRY(const auto row, co_await first_row(kTake, {postgres::Binary{hash}}, true));
  if (!row) {
    co_return std::optional<Pending>();
  }
  const auto plain = deps_.key.open(row->front(), pending_context(hash));
  co_return plain.ok() ? oauth::read_pending(plain.value()) : std::nullopt;
}

Async<std::optional<Demand>> PostgresTokens::find_demand(TokenOwner owner) {
  SLUICE_CO_TRY(
      const auto row, co_await first_row(kFindDemand, {owner.server_id, owner.principal}, false)
  );
  if (!row) {
    co_return std::optional<Demand>();
  }
  const Columns& columns = *row;
  co_return Demand{
      .challenge =
          {.resource_metadata = columns[0], .scopes = oauth::parse_scopes(columns[1]), .error = {}},
      .issuer = columns[2],
      .asked_before = oauth::parse_scopes(columns[3])
  };
}

Async<void> PostgresTokens::put_demand(TokenOwner owner, Demand demand) {
  co_return co_await execute(
      kPutDemand,
      {owner.server_id,
       owner.principal,
       demand.challenge.resource_metadata,
       oauth::joined(demand.challenge.scopes),
       demand.issuer,
       oauth::joined(demand.asked_before)}
  );
}

}  // namespace sluice::mcp_connector
