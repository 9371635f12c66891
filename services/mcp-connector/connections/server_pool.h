// ServerPool: all configured servers of this replica, by id.
#pragma once

#include "services/mcp-connector/connections/leased_server.h"

#include "common/async/task_group.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector {

// Life: start(); at the end await stop(), then destroy. Thread: the shard's one.
class ServerPool {
 public:
  // deps.seed and deps.held are filled for each server. servers outlives the pool.
  ServerPool(LeasedServer::Deps deps, std::uint64_t seed, const std::vector<ServerConfig>* servers);

  void start();
  // Ends every connection and gives every lease back.
  Async<void> stop();

  // A server this version connects to; nullptr for any other id.
  [[nodiscard]] LeasedServer* find(std::string_view id);

  [[nodiscard]] const std::vector<ServerConfig>& configs() const { return *configs_; }

  [[nodiscard]] std::size_t held() const;

 private:
  const std::vector<ServerConfig>* configs_;
  std::map<std::string, std::unique_ptr<LeasedServer>, std::less<>> servers_;
  async::TaskGroup tasks_;
};

}  // namespace sluice::mcp_connector
