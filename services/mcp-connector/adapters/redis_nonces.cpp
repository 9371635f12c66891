#include "services/mcp-connector/adapters/redis_nonces.h"

#include "services/mcp-connector/adapters/redis_keys.h"

namespace sluice::mcp_connector {

Async<bool> RedisNonces::use(std::string grant_id, std::chrono::milliseconds remember) {
  std::vector<std::string> words{
      "SET", nonce_key(grant_id), "1", "NX", "PX", std::to_string(remember.count())
  };
  SLUICE_CO_TRY(const redis::Reply reply, co_await redis_->command(std::move(words)));
  co_return !reply.is_nil();
}

}  // namespace sluice::mcp_connector
