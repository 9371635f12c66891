// LeasedServer: one configured MCP server as this replica sees it: tries to lease it, and while it
// holds the lease serves its subjects and keeps it connected. One exists for every server on every
// replica.
#pragma once

#include "services/mcp-connector/connections/caller_connections.h"
#include "services/mcp-connector/connections/server_connection.h"
#include "services/mcp-connector/domain/argument_check.h"

#include "common/async/task_group.h"
#include "common/audit/client.h"
#include "common/observability/metrics.h"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace sluice::mcp_connector {

// Life: run() until stop() was called; then destroy. Thread: the shard's one.
class LeasedServer {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    LinkOpener* opener;
    LeaseStore* leases;
    ConnectionStates* states;
    Announcer* announcer;
    Subjects* subjects;
    audit::Client* audit;
    std::string instance;
    std::uint64_t seed;                 // of jitter
    std::function<std::size_t()> held;  // leases this replica holds, for fairness
  };

  LeasedServer(Deps deps, std::shared_ptr<const ServerConfig> server);
  LeasedServer(const LeasedServer&) = delete;
  LeasedServer& operator=(const LeasedServer&) = delete;
  LeasedServer(LeasedServer&&) = delete;
  LeasedServer& operator=(LeasedServer&&) = delete;
  ~LeasedServer() = default;

  Async<void> run();
  void stop();
  void reconnect();

  // Other settings of the same server, none of which its connection is made with. References that
  // config() gave before are void then.
  void reconfigure(std::shared_ptr<const ServerConfig> server) { server_ = std::move(server); }

  [[nodiscard]] const ServerConfig& config() const { return *server_; }

  // By monotonic clock; nothing is sent and nothing committed without it.
  [[nodiscard]] bool holds_lease() const { return deps_.clock->now() < valid_until_; }

  [[nodiscard]] bool connected() const { return connection_ && connection_->connected(); }

  [[nodiscard]] std::size_t in_flight() const { return connection_ ? connection_->in_flight() : 0; }

  // nullptr while this replica does not hold the lease.
  [[nodiscard]] std::shared_ptr<const ToolCatalog> catalog() const;
  [[nodiscard]] Result<void> check_arguments(const Tool& tool, std::string_view arguments);
  // The connection for calls of that caller: the shared one, or one of its own, which its first
  // call opens. Errors: Unavailable, Exhausted, Deadline.
  Async<std::shared_ptr<ServerConnection>> connection_for(Caller caller, TimePoint deadline);
  // See ResourceWatch; what changes is announced.
  Async<Answer> watch_resource(std::string uri, TimePoint deadline);
  // Whether its last calls got answers, so that another may be sent. Errors: Unavailable.
  [[nodiscard]] Result<void> check_circuit() const;
  Async<void> list_tools(TimePoint deadline);
  // State, tools and offerings, as catalog requests are answered.
  [[nodiscard]] connector::v1::ServerCatalog snapshot() const;

 private:
  Async<void> hold(std::uint64_t epoch);
  Async<void> keep_lease(std::uint64_t epoch);
  Async<void> end_callers();
  Async<std::shared_ptr<const ToolCatalog>> last_known_catalog();
  Async<void> publish();
  void publish_soon();
  void status_changed();
  void show_state(std::optional<connector::v1::ServerState> now);
  void catalog_changed();
  void resource_updated(const std::string& uri);
  [[nodiscard]] Duration pause();

  Deps deps_;
  std::shared_ptr<const ServerConfig> server_;
  std::shared_ptr<const ServerConfig> connected_with_;  // connection_ refers to it
  std::mt19937_64 generator_;
  bool stopping_ = false;
  std::uint64_t last_epoch_ = 0;
  TimePoint valid_until_;
  bool lease_trouble_logged_ = false;
  Wakeup wakeup_;
  std::shared_ptr<ServerConnection> connection_;
  std::shared_ptr<CallerConnections> callers_;  // where the server is not shared
  std::unique_ptr<async::TaskGroup> tasks_;
  bool publishing_ = false;
  bool unpublished_ = false;
  std::string last_announced_;
  ArgumentCheck arguments_;
};

// State of a server that is disabled. Every replica answers it the same.
[[nodiscard]] connector::v1::ServerCatalog unconnected_catalog(const ServerConfig& server);
// Whether anybody connects to it.
[[nodiscard]] bool is_served(const ServerConfig& server);

}  // namespace sluice::mcp_connector
