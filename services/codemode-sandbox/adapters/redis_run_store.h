// RedisRunStore: documents of runs in Redis, for a day.
//
// Keys, all with a TTL: sluice:codemode:run:<run id> the document, sluice:codemode:short:<run id>
// its short form, sluice:codemode:runs:<SHA-256 of tenant and principal, or of tenant> sorted set
// of the newest kRunsIndexedMax run ids by start.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include "common/redis/client.h"

namespace sluice::codemode_sandbox {

// Errors of all: those of redis::Client.
class RedisRunStore final : public RunStore {
 public:
  explicit RedisRunStore(redis::Client* client) : client_(client) {}  // outlives it

  Async<void> put(StoredRun run) override;
  Async<std::optional<std::string>> summary(std::string run_id) override;
  Async<std::optional<std::string>> document(std::string run_id) override;
  Async<std::vector<std::string>> newest(
      std::string tenant, std::string principal, std::size_t limit
  ) override;

 private:
  Async<std::optional<std::string>> get(std::string key);

  redis::Client* client_;
};

}  // namespace sluice::codemode_sandbox
