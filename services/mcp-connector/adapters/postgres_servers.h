// ServerStore over Postgres: table connector.servers (migrations/0003_connector_servers.sql). What
// a caller sent is sealed, because it may hold credentials.
#pragma once

#include "services/mcp-connector/ports.h"

#include "common/crypto/seal.h"
#include "common/postgres/pool.h"

namespace sluice::mcp_connector {

class PostgresServers final : public ServerStore {
 public:
  struct Deps {
    postgres::Pool* pool;
    async::Clock* clock;
    crypto::SealingKey key;
  };

  explicit PostgresServers(Deps deps) : deps_(std::move(deps)) {}

  Async<std::vector<Row>> list() override;
  Async<void> insert(Row row, std::string principal) override;
  Async<void> update(Row row, std::string principal) override;
  Async<bool> remove(ServerId id) override;

 private:
  template <class T>
  Async<T> transact(std::function<Result<T>(postgres::Transaction&)> work);

  Deps deps_;
};

}  // namespace sluice::mcp_connector
