// PostgresTokens: what OAuth keeps, in schema connector (migrations/0004_connector_tokens.sql).
#pragma once

#include "services/mcp-connector/oauth/store.h"

#include "common/async/clock.h"
#include "common/crypto/seal.h"
#include "common/postgres/pool.h"

#include <functional>

namespace sluice::mcp_connector {

// Tokens, clients' secrets and verifiers never reach Postgres in the clear.
class PostgresTokens final : public oauth::TokenStore {
 public:
  struct Deps {
    postgres::Pool* pool;  // outlives this
    async::Clock* clock;
    crypto::SealingKey key;
  };

  explicit PostgresTokens(Deps deps) : deps_(std::move(deps)) {}

  Async<std::optional<oauth::Tokens>> find(oauth::TokenOwner owner) override;
  Async<void> put(oauth::TokenOwner owner, oauth::Tokens tokens) override;
  Async<void> drop(oauth::TokenOwner owner) override;
  Async<void> forget(std::string server_id) override;
  Async<std::optional<oauth::Client>> find_client(std::string issuer, std::string redirect)
      override;
  Async<void> put_client(std::string issuer, std::string redirect, oauth::Client client) override;
  Async<void> drop_client(std::string issuer, std::string client_id) override;
  Async<void> begin(std::string state, oauth::Pending pending, std::chrono::milliseconds time)
      override;
  Async<std::optional<oauth::Pending>> take(std::string state) override;
  Async<std::optional<oauth::Demand>> find_demand(oauth::TokenOwner owner) override;
  Async<void> put_demand(oauth::TokenOwner owner, oauth::Demand demand) override;

 private:
  using Columns = std::vector<std::string>;  // of one row, as text; bytes where sealed

  // Column by column of the first row of the answer; none without one.
  Async<std::optional<Columns>> first_row(
      std::string_view sql, std::vector<postgres::Parameter> parameters, bool is_sealed
  );
  Async<void> execute(std::string_view sql, std::vector<postgres::Parameter> parameters);
  [[nodiscard]] postgres::Parameter sealed(std::string_view plain, std::string_view context) const;

  Deps deps_;
};

}  // namespace sluice::mcp_connector
