// CallerConnections: connections of their own for the callers of a server that is not shared: one
// for each key (a principal, or one MCP session of it), made with its first call and ended when it
// was unused for a while. The server's tools, health and state are those of the shared connection.
#pragma once

#include "services/mcp-connector/connections/server_connection.h"
#include "services/mcp-connector/domain/caller.h"

#include "common/async/task_group.h"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace sluice::mcp_connector {

// Life: spawn sweep(); at the end stop(), await close(), destroy. Thread: the shard's one.
class CallerConnections {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    LinkOpener* opener;
    const ServerConfig* server;
    std::function<std::uint64_t()> seed;  // of a backoff's jitter
  };

  explicit CallerConnections(Deps deps);
  CallerConnections(const CallerConnections&) = delete;
  CallerConnections& operator=(const CallerConnections&) = delete;
  CallerConnections(CallerConnections&&) = delete;
  CallerConnections& operator=(CallerConnections&&) = delete;
  ~CallerConnections() = default;

  // The connection of that caller once it is connected; at most kCallerConnectionsMax of a server,
  // of which the one unused for longest gives way. Errors: Exhausted (all are in use), Unavailable
  // (it cannot be made; the message says how the caller authorizes where that is why), Deadline.
  Async<std::shared_ptr<ServerConnection>> get(Caller caller, TimePoint deadline);

  // Ends what was unused for kCallerConnectionIdle, until stop().
  Async<void> sweep();
  // Ends all there are; the next call of each makes a new one.
  void end_all();
  void stop();

  // Returns when every connection has ended.
  Async<void> close() { co_return co_await tasks_.close(); }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    ServerConfig server;  // of this caller; connection refers to it
    std::shared_ptr<ServerConnection> connection;
    TimePoint used;
    int waiting = 0;
    bool failed = false;                     // the attempt of now, or the last one
    std::list<async::OneShot<void>*> waits;  // for the attempt to end
  };

  using SharedEntry = std::shared_ptr<Entry>;

  [[nodiscard]] std::string key_of(const Caller& caller) const;
  [[nodiscard]] Result<SharedEntry> find_or_make(const Caller& caller);
  Result<void> make_room();
  [[nodiscard]] SharedEntry make(const Caller& caller);
  static void try_again(Entry* entry);
  static void status_changed(const std::weak_ptr<Entry>& entry);
  Async<void> wait(SharedEntry entry, TimePoint deadline);
  static Async<void> keep(SharedEntry entry);
  [[nodiscard]] static bool is_unused(const Entry& entry);

  Deps deps_;
  bool stopping_ = false;
  Wakeup wakeup_;
  std::map<std::string, SharedEntry, std::less<>> entries_;
  async::TaskGroup tasks_;
};

}  // namespace sluice::mcp_connector
