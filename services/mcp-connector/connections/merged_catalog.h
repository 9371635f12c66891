// MergedCatalog: every configured server as its holder sees it, asked in parallel. Where no holder
// answers the last known tools stay listed and the server is marked disconnected, so that a restart
// does not change the catalog's version.
#pragma once

#include "services/mcp-connector/connections/known_catalogs.h"
#include "services/mcp-connector/connections/server_pool.h"
#include "services/mcp-connector/ports.h"

#include "common/async/task_group.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::mcp_connector {

class MergedCatalog {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    ServerPool* pool;
    Holders* holders;
    KnownCatalogs* known;
  };

  explicit MergedCatalog(Deps deps);

  // In the order of the pool; one entry a server, always.
  Async<std::vector<connector::v1::ServerCatalog>> gather(RequestContext context);
  // One server; the holder is asked until the context's deadline.
  Async<connector::v1::ServerCatalog> of(ServerPool::Config server, RequestContext context);
  // Errors: NotFound.
  Async<connector::v1::ServerCatalog> reconnect(std::string server_id, RequestContext context);

  // How long a holder that is asked now is waited for.
  [[nodiscard]] TimePoint holders_answer_by() const { return deps_.clock->now() + kHolderTimeout; }

  // By id; nullptr: there is none.
  [[nodiscard]] std::shared_ptr<const ServerConfig> config_of(std::string_view id) const;

  // Waits for what cancelled callers left behind. Before destruction.
  Async<void> close() { co_return co_await tasks_.close(); }

 private:
  // Shared by the gathering coroutine, which may be cancelled, and the fetches it started.
  struct Gathering {
    std::vector<ServerPool::Config> configs;
    std::vector<connector::v1::ServerCatalog> servers;
    std::size_t left = 0;
    async::OneShot<void> done;
  };

  Async<void> fetch_one(
      std::shared_ptr<Gathering> gathering, std::size_t index, RequestContext context
  );
  Async<connector::v1::ServerCatalog> fetch(ServerPool::Config server, RequestContext context);
  Async<connector::v1::ServerCatalog> last_known(ServerPool::Config server);

  Deps deps_;
  async::TaskGroup tasks_;
};

}  // namespace sluice::mcp_connector
