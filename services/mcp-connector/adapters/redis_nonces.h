// RedisNonces: a read grant counts once. Writes and deletes do not come here; their use is a row in
// Postgres.
#pragma once

#include "services/mcp-connector/ports.h"

#include "common/redis/client.h"

namespace sluice::mcp_connector {

class RedisNonces final : public Nonces {
 public:
  explicit RedisNonces(redis::Client* redis) : redis_(redis) {}

  Async<bool> use(std::string grant_id, std::chrono::milliseconds remember) override;

 private:
  redis::Client* redis_;
};

}  // namespace sluice::mcp_connector
