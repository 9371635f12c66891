#include "services/mcp-connector/connections/server_pool.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {

ServerPool::ServerPool(
    LeasedServer::Deps deps, std::uint64_t seed, const std::vector<ServerConfig>* servers
)
    : configs_(servers),
      tasks_(deps.executor, [log = deps.log](std::string_view name, const Error& error) {
        log->error("server-run-failed", {{"server", name}, {"error", error.to_log()}});
      }) {
  std::mt19937_64 seeds(seed);
  deps.held = [this] { return held(); };
  for (const ServerConfig& server : *servers) {
    if (is_served(server)) {
      deps.seed = seeds();
      servers_.emplace(server.id.str(), std::make_unique<LeasedServer>(deps, &server));
    }
  }
}

void ServerPool::start() {
  for (const auto& [id, server] : servers_) {
    tasks_.spawn(server->config().name, server->run());
  }
}

Async<void> ServerPool::stop() {
  for (const auto& [id, server] : servers_) {
    server->stop();
  }
  co_return co_await tasks_.close();
}

LeasedServer* ServerPool::find(std::string_view id) {
  const auto place = servers_.find(id);
  return place == servers_.end() ? nullptr : place->second.get();
}

std::size_t ServerPool::held() const {
  return static_cast<std::size_t>(std::count_if(
      servers_.begin(),
      servers_.end(),
      [](const auto& entry) { return entry.second->holds_lease(); }
  ));
}

}  // namespace sluice::mcp_connector
