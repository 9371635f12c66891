// ResourceWatch: the resources of one server that somebody wants to hear changes of. Keeps the
// server's subscriptions equal to them over its connections: a request for each in the legacy era,
// one subscriptions/listen for all of them and for changed lists in the modern one.
#pragma once

#include "services/mcp-connector/connections/mcp_session.h"
#include "services/mcp-connector/connections/wakeup.h"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::mcp_connector {

// Life: run() beside each session until that is gone; watch() meanwhile. Thread: the shard's one.
class ResourceWatch {
 public:
  struct Deps {
    async::Clock* clock;
    observability::Log* log;
    std::string server;  // name, for logs
    std::function<void(const std::string& uri)> on_updated;
  };

  explicit ResourceWatch(Deps deps) : deps_(std::move(deps)) {}

  // Somebody wants to hear of it for kWatchFor. The answer is "{}", or the server's refusal.
  // Errors: Unavailable (there is no session), Exhausted, Deadline.
  Async<Answer> watch(std::string uri, TimePoint deadline);
  // The server says that it changed. Told at most once in kUpdateDebounce, and not at all when
  // nobody watches it.
  void updated(const std::string& uri);

  Async<void> run(McpSession* session, mcp::ServerCapabilities capabilities);
  // The session of run() has gone.
  void wake();

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    TimePoint until;
    bool subscribed = false;              // legacy era: on the connection of now
    std::unique_ptr<async::Timer> muted;  // it was told a moment ago
    bool missed = false;                  // it changed meanwhile
  };

  Async<Answer> watch_legacy(std::string uri, TimePoint deadline);
  Async<Answer> watch_modern(std::string uri, TimePoint deadline);
  Async<void> keep_subscribed();
  Async<void> keep_listening();
  Async<void> wait_until_acknowledged();
  // Opens the stream that is wanted now. False: there is none.
  Result<bool> open_listen();
  void release_waiters();
  void unmute(const std::string& uri);
  void tell(const std::string& uri, Entry* entry);
  // Returns the subscribed ones whose time is over; none is left.
  std::vector<std::string> drop_old();

  [[nodiscard]] bool is_heard() const { return acknowledged_ && listening_for_ == filter(); }

  // What a stream is to tell, as params; empty: nothing.
  [[nodiscard]] std::string filter() const;
  [[nodiscard]] TimePoint next_end() const;

  Deps deps_;
  std::map<std::string, Entry, std::less<>> entries_;  // by uri
  McpSession* session_ = nullptr;
  mcp::ServerCapabilities capabilities_;
  Wakeup wakeup_;
  std::string listening_for_;                     // the filter of listen_
  std::unique_ptr<McpSession::Ticket> listen_;    // the stream of now
  std::unique_ptr<McpSession::Ticket> replaced_;  // the one before, until that is acknowledged
  bool acknowledged_ = false;                     // listen_
  std::string refusal_;                           // JSON-RPC error with which it ended
  std::list<async::OneShot<void>*> waiters_;      // for one of the two
};

}  // namespace sluice::mcp_connector
