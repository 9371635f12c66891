// ServerConnection: keeps one MCP server connected: start, initialize, list what it has, check its
// health, follow list_changed, start again with backoff. Knows nothing of leases; LeasedServer owns
// it while it holds the lease.
#pragma once

#include "services/mcp-connector/connections/mcp_session.h"
#include "services/mcp-connector/connections/offering_lists.h"
#include "services/mcp-connector/connections/resource_watch.h"
#include "services/mcp-connector/connections/wakeup.h"
#include "services/mcp-connector/domain/circuit_breaker.h"
#include "services/mcp-connector/domain/reconnect_policy.h"
#include "services/mcp-connector/domain/server_state.h"
#include "services/mcp-connector/domain/tool_catalog.h"

#include "common/async/task_group.h"

#include <memory>
#include <set>
#include <string>

namespace sluice::mcp_connector {

// Life: run() until stop() was called and everything ended; then destroy. Thread: the shard's one.
class ServerConnection {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    LinkOpener* opener;
    const ServerConfig* server;
    std::uint64_t seed;                                               // of the backoff's jitter
    std::function<void()> on_status;                                  // status() changed
    std::function<void()> on_catalog;                                 // catalog() changed
    std::function<void(const std::string& uri)> on_resource_updated;  // of a watched one
  };

  // catalog: what the last holder knew, so that the tools stay listed while this one connects.
  ServerConnection(Deps deps, std::shared_ptr<const ToolCatalog> catalog);
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;
  ServerConnection(ServerConnection&&) = delete;
  ServerConnection& operator=(ServerConnection&&) = delete;
  ~ServerConnection() = default;

  Async<void> run();
  void stop();
  // Ends the connection and starts anew without waiting.
  void reconnect();

  [[nodiscard]] const ServerStatus& status() const { return status_; }

  [[nodiscard]] std::shared_ptr<const ToolCatalog> catalog() const { return catalog_; }

  [[nodiscard]] const std::string& protocol_version() const { return protocol_version_; }

  // As the server said when it connected last.
  [[nodiscard]] const mcp::ServerCapabilities& capabilities() const { return capabilities_; }

  // In its own words, at most kInstructionsBytesMax.
  [[nodiscard]] const std::string& instructions() const { return instructions_; }

  [[nodiscard]] bool connected() const { return usable_; }

  [[nodiscard]] std::size_t in_flight() const { return session_ ? session_->in_flight() : 0; }

  // Of status(), or why calls are refused although it is connected.
  [[nodiscard]] std::string message() const;

  // Of status(), or that a call wanted rights that only a person can give, although it is
  // connected.
  [[nodiscard]] Stage stage() const { return wants_rights() ? Stage::Authorize : status_.stage(); }

  // Whether calls are refused because the last ones got no answer.
  [[nodiscard]] bool refuses_calls() const { return circuit_.is_open(); }

  // Whether a call may be sent now. Errors: Unavailable.
  [[nodiscard]] Result<void> check_circuit() const { return circuit_.check(deps_.clock->now()); }

  // Errors: Unavailable (not connected, or check_circuit()), Exhausted. Certainly not sent then;
  // else call_ended() follows.
  [[nodiscard]] Result<std::unique_ptr<McpSession::Ticket>> call_tool(
      std::string_view tool, std::string_view arguments, TimePoint deadline, ForCaller caller = {}
  );
  // Another request of a caller. Errors as of call_tool().
  [[nodiscard]] Result<std::unique_ptr<McpSession::Ticket>> request(
      Request request, TimePoint deadline
  );
  // See ResourceWatch.
  Async<Answer> watch_resource(std::string uri, TimePoint deadline);
  // See McpSession. Nothing where the server sends no log messages.
  Async<void> want_log_level(std::string level, TimePoint deadline);
  // Once for each ticket of the two above. error: nullptr when there was an answer.
  void call_ended(const Error* error, Duration waited);
  // Whether that answer to a call says that nothing was done because its headers do not fit the
  // tools as the server lists them now.
  [[nodiscard]] bool wants_other_headers(const Answer& answer) const;
  // Errors: Unavailable (not connected), Deadline, Invalid. The tools known so far stay then.
  Async<void> list_tools(TimePoint deadline);

 private:
  Async<Duration> attempt();
  Async<Duration> connect(const ServerConfig* server);
  Async<Duration> use_session(const ServerConfig* server);
  Async<bool> start_session(const ServerConfig* server);
  [[nodiscard]] Duration pause_before_list();
  Async<void> list_all(TimePoint deadline);
  Async<void> list_tools_only(TimePoint deadline);
  Async<std::vector<json::Value>> fetch_tools(TimePoint deadline);
  Result<void> adopt(std::vector<json::Value> definitions, Offerings offerings);
  Async<void> watch();
  Async<void> check_health();
  Async<bool> is_healthy();
  Async<bool> gives_sign_of_life();
  Async<void> ask_health(bool by_ping, Duration limit);
  [[nodiscard]] Result<std::unique_ptr<McpSession::Ticket>> count_in(
      Result<std::unique_ptr<McpSession::Ticket>> ticket
  );
  void drop_unusable(std::vector<json::Value>* definitions);
  void fail(Stage stage, const Error& error);
  void lose();

  // Whether calls repeat arguments as headers.
  [[nodiscard]] bool mirrors_arguments() const {
    return deps_.server->type == ConnectionType::Http && mcp::is_modern_version(protocol_version_);
  }

  [[nodiscard]] bool wants_rights() const { return usable_ && !rights_wanted_.empty(); }

  [[nodiscard]] bool ending() const { return stopping_ || reconnect_asked_ || session_->gone(); }

  Deps deps_;
  ReconnectPolicy policy_;
  ServerStatus status_;
  std::shared_ptr<const ToolCatalog> catalog_;
  std::string protocol_version_;
  Wakeup wakeup_;
  Wakeup health_wakeup_;
  CircuitBreaker circuit_;
  std::string rights_wanted_;  // why a call of this connection was refused for want of them
  int calls_open_ = 0;
  Duration list_took_{0};  // the last tools/list
  Duration list_pause_ = kListDebounce;
  TimePoint listed_at_;
  bool loss_counted_ = false;  // the calls that end with a connection are one failure
  std::unique_ptr<ServerLink> link_;
  std::unique_ptr<McpSession> session_;
  std::optional<Error> no_post_;    // why an http server is tried over HTTP+SSE
  std::set<std::string> unusable_;  // tools with wrong headers, said in the log
  OfferingLists::Told faults_told_;
  mcp::ServerCapabilities capabilities_;
  std::string instructions_;
  std::shared_ptr<ResourceWatch> watch_;
  bool usable_ = false;
  bool stopping_ = false;
  bool reconnect_asked_ = false;
  bool ping_failed_ = false;
  std::optional<TimePoint> list_due_;
};

}  // namespace sluice::mcp_connector
