// McpSession: one initialized conversation with one MCP server over a ServerLink. Matches answers
// to requests, answers the server's own requests, routes progress. Knows nothing of processes,
// leases or grants.
#pragma once

#include "services/mcp-connector/domain/outcome.h"
#include "services/mcp-connector/limits.h"
#include "services/mcp-connector/ports.h"

#include "common/async/channel.h"
#include "common/async/clock.h"
#include "common/mcp/messages.h"
#include "common/observability/log.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::mcp_connector {

// Life: spawn read(); initialize(); requests; at the end fail_all(), stop the link, await idle(),
// destroy. Thread: the shard's one.
class McpSession {
 public:
  struct Deps {
    async::Clock* clock;
    observability::Log* log;
    ServerLink* link;
    std::string server;  // name, for logs
    std::function<void()> on_list_changed;
    std::function<void()> on_gone;  // the server ended by itself
  };

  // A request in flight. Destroying it gives the request up: the server is told
  // notifications/cancelled. The session outlives its tickets.
  class Ticket {
   public:
    Ticket(McpSession* session, std::int64_t id, bool cancellable);
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket(Ticket&&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    // The next progress notification, or nullopt when the request has ended.
    Async<std::optional<std::string>> progress() { return progress_.pop(); }

    // After progress() gave nullopt. Errors: Deadline, Unavailable (the server went), Cancelled.
    [[nodiscard]] Result<Answer> take();

   private:
    friend class McpSession;  // the other half of one request
    void finish(Result<Answer> answer);
    void expire();

    McpSession* session_;
    std::int64_t id_;
    bool cancellable_;
    async::Channel<std::string> progress_{kProgressQueuedMax};
    std::optional<Result<Answer>> answer_;
    std::unique_ptr<async::Timer> timer_;
  };

  explicit McpSession(Deps deps) : deps_(std::move(deps)) {}

  McpSession(const McpSession&) = delete;
  McpSession& operator=(const McpSession&) = delete;
  McpSession(McpSession&&) = delete;
  McpSession& operator=(McpSession&&) = delete;
  ~McpSession() = default;

  // Reads until the link ends, then fails what is open.
  Async<void> read();

  // initialize and notifications/initialized.
  Async<mcp::InitializeResult> initialize(TimePoint deadline);
  // All pages of tools/list. Errors: Invalid (the server's list cannot be read), Unavailable,
  // Deadline.
  Async<std::vector<json::Value>> list_tools(TimePoint deadline);
  // Any answer will do.
  Async<void> ping(TimePoint deadline);
  // Sends tools/call with exactly these argument bytes. An error means: certainly not sent.
  [[nodiscard]] Result<std::unique_ptr<Ticket>> call_tool(
      std::string_view tool, std::string_view arguments, TimePoint deadline
  );

  // Ends every open request with this error; later ones fail at once.
  void fail_all(const Error& why);
  // Returns when no ticket is left.
  Async<void> idle();

  [[nodiscard]] bool gone() const { return closed_; }

  [[nodiscard]] std::size_t in_flight() const { return tickets_.size(); }

 private:
  enum class Cancellable { No, Yes };

  std::int64_t next_id() { return ++last_id_; }

  Result<std::unique_ptr<Ticket>> begin(
      std::int64_t id,
      std::string_view method,
      std::string_view params,
      TimePoint deadline,
      Cancellable cancellable
  );
  Async<Answer> request(
      std::string method, std::string params, TimePoint deadline, Cancellable cancellable
  );
  Result<void> tell(std::string_view method, std::string_view params);
  void give_up(ServerLink::Unanswered unanswered);
  void receive(std::string line);
  void receive(mcp::Message message);
  void answer(mcp::Message message);
  void notice(const mcp::Message& notification);
  void forget(std::int64_t id, bool tell_server);

  Deps deps_;
  bool closed_ = false;
  std::int64_t last_id_ = 0;
  std::uint64_t lines_skipped_ = 0;
  std::map<std::int64_t, Ticket*> tickets_;
  async::OneShot<void>* idle_waiter_ = nullptr;
};

}  // namespace sluice::mcp_connector
