// RedisToolCalls: which conversation a tool call id belongs to, in Redis for 24 h.
//
// Keys: sluice:ingress:tool_call:<SHA-256 of tenant, principal, id>, sluice:ingress:chain:<SHA-256
// of tenant, principal, chain>; value "<chain id> <hop>".
#pragma once

#include "services/ingress/ports.h"

#include "common/redis/client.h"

namespace sluice::ingress {

// Errors of all: those of redis::Client.
class RedisToolCalls final : public ToolCallStore {
 public:
  explicit RedisToolCalls(redis::Client* client) : client_(client) {}

  Async<std::vector<std::optional<ChainPoint>>> find(Owner owner, std::vector<std::string> ids)
      override;
  Async<void> remember(Owner owner, std::vector<std::string> ids, ChainPoint point) override;
  Async<ChainPoint> claim(Owner owner, std::string id, ChainPoint point) override;
  Async<std::optional<ChainPoint>> find_chain(Owner owner, ChainId chain) override;
  Async<void> remember_chain(Owner owner, ChainPoint point) override;

 private:
  Async<void> set(std::string key, ChainPoint point);

  redis::Client* client_;
};

// "<chain id> <hop>" back into a point; nullopt for anything else.
[[nodiscard]] std::optional<ChainPoint> chain_point_of(std::string_view text);

}  // namespace sluice::ingress
