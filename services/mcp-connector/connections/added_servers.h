// AddedServers: keeps the pool's servers added by API equal to those in the store. Every replica
// reads them at its start, when it hears of a change, and now and then. While the store is away
// those known stay.
#pragma once

#include "services/mcp-connector/config.h"
#include "services/mcp-connector/connections/known_catalogs.h"
#include "services/mcp-connector/connections/server_pool.h"
#include "services/mcp-connector/connections/wakeup.h"
#include "services/mcp-connector/ports.h"

#include "common/observability/log.h"

#include <cstdint>
#include <map>
#include <string>

namespace sluice::mcp_connector {

// Life: run() until stop(); then destroy. Thread: the shard's one.
class AddedServers {
 public:
  struct Deps {
    async::Clock* clock;
    observability::Log* log;
    ServerStore* store;
    ServerPool* pool;
    Announcer* announcer;
    KnownCatalogs* known;
    const ApiSettings* settings;
  };

  explicit AddedServers(Deps deps) : deps_(deps) {}

  Async<void> run();
  void stop();

  // Somebody has changed them.
  void heard() { wakeup_.raise(); }

  // Errors: those of the store.
  Async<void> reload();

  // Why those in the store are not known yet; empty once they were read.
  [[nodiscard]] const std::string& missing() const { return missing_; }

 private:
  void apply(const std::vector<ServerStore::Row>& rows);
  [[nodiscard]] ServerPool::Config read(const ServerStore::Row& row);

  Deps deps_;
  Wakeup wakeup_;
  bool stopping_ = false;
  bool trouble_logged_ = false;
  std::string missing_ = "the servers added by API are not read yet";
  std::uint64_t asked_ = 0;                      // readings begun
  std::uint64_t applied_ = 0;                    // the latest of them that was applied
  std::map<std::string, std::int64_t> refused_;  // name to revision: said in the log
};

}  // namespace sluice::mcp_connector
