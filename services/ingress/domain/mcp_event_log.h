// McpEventLog: what legacy clients are told on the streams of their requests, kept so that a client
// that lost its connection goes on with any replica. McpRecorder: one of these streams.
#pragma once

#include "services/ingress/domain/mcp_event_id.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/mcp/json_rpc.h"
#include "common/observability/log.h"

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>

namespace sluice::ingress {

class McpRecorder;

class McpEventLog {
 public:
  struct Deps {
    McpEventStore* store;  // all outlive it
    async::Clock* clock;
    observability::Log* log;
  };

  explicit McpEventLog(Deps deps) : deps_(deps) {}

  McpEventLog(const McpEventLog&) = delete;
  McpEventLog& operator=(const McpEventLog&) = delete;
  McpEventLog(McpEventLog&&) = delete;
  McpEventLog& operator=(McpEventLog&&) = delete;
  ~McpEventLog() = default;

  // Tells what was told on that stream behind the event, and goes on with it until its request is
  // answered. Where nobody runs the request any more, it is answered with an error. Errors: Invalid
  // (what follows is not kept), Exhausted (kMcpResumesMax), those of the store and of the reply;
  // none of the first three once something was told.
  Async<void> resume(Owner owner, std::string session, McpEventId after, McpReply* reply);

  // Says that streams of requests under way are still told, until cancelled.
  Async<void> run();

  // Ends every resumed stream, and each that begins later; their requests go on.
  void stop() { stopped_ = true; }

 private:
  friend class McpRecorder;

  // Bytes of a stream that is not told any more, until the store forgets them.
  struct Leftover {
    TimePoint until;
    std::string owner;
    std::size_t bytes = 0;
  };

  class Resume;

  Async<bool> tell(Resume* resume);
  Async<void> follow(Resume* resume);

  [[nodiscard]] bool has_room(const std::string& owner, std::size_t bytes);
  void leave(McpRecorder* recorder, std::size_t bytes);

  Deps deps_;
  bool stopped_ = false;
  std::set<McpRecorder*> told_;               // whose requests run
  std::map<std::string, std::size_t> bytes_;  // by owner
  std::deque<Leftover> leftovers_;            // in order of time
  std::map<std::string, std::size_t> resumes_;
};

// Life: as long as its request runs. Used by the task of the request; begin() by others too.
class McpRecorder {
 public:
  McpRecorder(
      McpEventLog* log, McpResuming resuming, McpSessionOwner by, const mcp::RpcId& request
  );
  McpRecorder(const McpRecorder&) = delete;
  McpRecorder& operator=(const McpRecorder&) = delete;
  McpRecorder(McpRecorder&&) = delete;
  McpRecorder& operator=(McpRecorder&&) = delete;
  ~McpRecorder();

  // Each results in the id its event has; "": it cannot be resumed from. Errors of all: Cancelled.
  //
  // Of the first event, which is an id alone: "" where the client takes none, and after the first
  // call.
  Async<std::string> begin();
  Async<std::string> keep(std::string event);
  Async<std::string> keep_last(std::string event);
  // Without an answer.
  Async<void> end();

  // Whether the client holds ids it can come back with.
  [[nodiscard]] bool can_resume() const { return begun_ && !lost_; }

  [[nodiscard]] McpResuming resuming() const { return resuming_; }

 private:
  friend class McpEventLog;

  Async<std::string> put(std::string event);
  Async<void> make_room(std::size_t bytes);
  Async<std::string> outcome_of(Result<void> kept);

  McpEventLog* log_;
  McpResuming resuming_;
  McpStreamName name_;
  McpStreamState state_;
  std::string owner_;
  std::deque<std::size_t> sizes_;  // of the events kept
  std::size_t bytes_ = 0;
  bool begun_ = false;
  bool lost_ = false;  // an event is missing: nobody can go on behind it
};

}  // namespace sluice::ingress
