// RedisConnectionState: copies of states and catalogs, for replicas that hold no lease and for the
// next holder.
#pragma once

#include "services/mcp-connector/ports.h"

#include "common/redis/client.h"

namespace sluice::mcp_connector {

class RedisConnectionState final : public ConnectionStates {
 public:
  explicit RedisConnectionState(redis::Client* redis) : redis_(redis) {}

  Async<void> put(connector::v1::ServerCatalog catalog) override;
  Async<std::optional<connector::v1::ServerCatalog>> get(ServerId server) override;

 private:
  redis::Client* redis_;
};

}  // namespace sluice::mcp_connector
