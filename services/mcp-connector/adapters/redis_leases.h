// RedisLeases: fenced leases. One key a server holds "<instance>:<epoch>" for 3 s; each change is
// one Lua script, so that two replicas never both believe they acquired it. epoch = max(last known
// + 1, Redis time in ms).
#pragma once

#include "services/mcp-connector/ports.h"

#include "common/redis/client.h"

#include <string>

namespace sluice::mcp_connector {

class RedisLeases final : public LeaseStore {
 public:
  struct Deps {
    redis::Client* redis;
    async::Clock* clock;
    std::string instance;
  };

  explicit RedisLeases(Deps deps) : deps_(std::move(deps)) {}

  Async<std::optional<std::uint64_t>> acquire(ServerId server, std::uint64_t last_epoch) override;
  Async<bool> renew(ServerId server, std::uint64_t epoch) override;
  Async<void> release(ServerId server, std::uint64_t epoch) override;

 private:
  Async<redis::Reply> script(
      std::string_view source, ServerId server, std::vector<std::string> arguments
  );

  [[nodiscard]] std::string token(std::uint64_t epoch) const {
    return deps_.instance + ":" + std::to_string(epoch);
  }

  Deps deps_;
};

}  // namespace sluice::mcp_connector
