// ServerPool: all servers of this replica, by id: those of the configuration file, which stay, and
// those added by API, which come, change and go while it runs.
#pragma once

#include "services/mcp-connector/connections/leased_server.h"

#include "common/async/task_group.h"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector {

// Life: start(); at the end await stop(), then destroy. Thread: the shard's one.
class ServerPool {
 public:
  using Config = std::shared_ptr<const ServerConfig>;

  // deps.seed and deps.held are filled for each server. servers: of the file; outlives the pool.
  ServerPool(LeasedServer::Deps deps, std::uint64_t seed, const std::vector<ServerConfig>* servers);

  void start();
  // Ends every connection and gives every lease back.
  Async<void> stop();

  // From now on these are the servers added by API. One that is gone is ended: found no more, its
  // lease given back, its calls ended as by a server that goes away. One whose connection is made
  // with the same settings keeps it; another is ended and begun anew. One with the id of a server
  // of the file is left out. Returns the settings of those that are new, changed or gone.
  std::vector<Config> set_added(const std::vector<Config>& added);

  // A server that somebody connects to; nullptr for any other id.
  [[nodiscard]] std::shared_ptr<LeasedServer> find(std::string_view id) const;

  // Those of the file in its order, then those added, by id.
  [[nodiscard]] std::vector<Config> configs() const;
  // By id or name; nullptr: there is none.
  [[nodiscard]] Config config_of(std::string_view id_or_name) const;

  [[nodiscard]] std::size_t held() const;

 private:
  using End = std::shared_ptr<async::OneShot<void>>;

  void begin(const Config& config);
  void end(const std::string& id);
  void run(const std::shared_ptr<LeasedServer>& server);
  Async<void> run_after(End before, std::shared_ptr<LeasedServer> server, End end);
  [[nodiscard]] bool is_in_file(const ServerId& id) const;

  LeasedServer::Deps deps_;
  std::mt19937_64 seeds_;
  const std::vector<ServerConfig>* in_file_;
  std::map<std::string, Config, std::less<>> added_;
  std::map<std::string, std::shared_ptr<LeasedServer>, std::less<>> servers_;
  std::map<std::string, End> ends_;  // by id: of the one that was begun last, until it has ended
  bool started_ = false;
  bool stopping_ = false;
  async::TaskGroup tasks_;
};

}  // namespace sluice::mcp_connector
