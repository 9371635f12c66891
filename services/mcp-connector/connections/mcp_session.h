// McpSession: one conversation with one MCP server over a ServerLink. Matches answers to requests,
// routes progress, log messages and the server's own questions to the request they belong to, and
// answers those that belong to none. Knows nothing of processes, leases or grants, and of eras only
// which one it speaks.
#pragma once

#include "services/mcp-connector/connections/era.h"
#include "services/mcp-connector/domain/outcome.h"
#include "services/mcp-connector/domain/question.h"
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
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

// Life: spawn read(); shake_hands() of handshake.h; requests; at the end fail_all(), stop the link,
// await idle(), destroy. Thread: the shard's one.
class McpSession {
 public:
  struct Deps {
    async::Clock* clock;
    observability::Log* log;
    ServerLink* link;
    std::string server;  // name, for logs
    std::function<void()> on_list_changed;
    std::function<void()> on_gone;  // the server ended by itself
    ClientOffer client = {};        // what a server may ask for
    std::function<void(const std::string& uri)> on_resource_updated;
  };

  // A request in flight. Destroying it gives the request up, and the server is told so. The session
  // outlives its tickets.
  class Ticket {
   public:
    // caller: of a request that somebody made under a grant.
    Ticket(McpSession* session, std::int64_t id, bool cancellable, std::optional<ForCaller> caller);
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket(Ticket&&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    // What the server says before it answers: one of both, or neither when somebody called wake().
    struct Event {
      std::string notification;  // progress, or a log message at a level the caller wants
      std::optional<Question> question;
    };

    // The next one, or nullopt when the request has ended.
    Async<std::optional<Event>> next() { return events_.pop(); }

    [[nodiscard]] bool has_next() const { return events_.size() > 0; }

    void wake();

    // Answers a question. Those that are left when the request ends are refused.
    void reply(const mcp::RpcId& id, const Reply& reply);

    // While the caller is asked, the time that the server has does not run.
    void pause() { timer_.reset(); }

    [[nodiscard]] bool is_paused() const { return timer_ == nullptr && !ended(); }

    void await_until(TimePoint deadline);

    [[nodiscard]] bool ended() const { return answer_.has_value(); }

    // Ends the request with that error (the other: Cancelled), and the server is told so.
    void give_up(Error why);
    void give_up();

    // After next() gave nullopt. Errors: Deadline, Unavailable (the server went), Cancelled.
    [[nodiscard]] Result<Answer> take();

   private:
    friend class McpSession;  // the other half of one request
    void finish(Result<Answer> answer);
    void tell(std::string notification);
    // Names it. False when there is no room for it.
    bool ask(Question question);
    void refuse_questions();
    // Ends it without an answer; reason: for the server.
    void abandon(Error why, std::string_view reason);

    McpSession* session_;
    std::int64_t id_;
    bool cancellable_;
    bool is_for_caller_;
    ForCaller caller_;
    async::Channel<Event> events_{kProgressQueuedMax};
    std::vector<std::pair<mcp::RpcId, std::size_t>> open_;  // questions not answered yet; bytes
    std::size_t open_bytes_ = 0;
    std::uint64_t asked_ = 0;  // so far; makes their keys
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

  // The start, legacy era: ask_to_initialize() and what its answer leads to, initialized(): the
  // session speaks that version and tells notifications/initialized. Errors: Invalid, Unavailable
  // (refused), Deadline, and those of the link.
  Async<mcp::InitializeResult> initialize(std::string version, TimePoint deadline);
  Async<Answer> ask_to_initialize(std::string version, TimePoint deadline);
  [[nodiscard]] Result<mcp::InitializeResult> initialized(Answer answer);
  // The start, modern era. discover() only asks. An error means: certainly not sent.
  [[nodiscard]] Result<std::unique_ptr<Ticket>> discover(std::string version, TimePoint deadline);
  void speak_modern(std::string version, Discovered discovered);

  // All pages of a list. Errors: NotFound (the server does not know the method), Invalid (its list
  // cannot be read or has no end), Unavailable, Deadline.
  Async<std::vector<json::Value>> list(const mcp::ListMethod* which, TimePoint deadline);
  // Invalid also when a tool has no name.
  Async<std::vector<json::Value>> list_tools(TimePoint deadline);

  // Subscribes to a resource or no longer, legacy era.
  Async<Answer> tell_about_resource(std::string method, std::string uri, TimePoint deadline);
  // The stream of what a modern server says by itself. filter: params. The ticket's one event is
  // the acknowledgement; what it tells comes to the callbacks of this session.
  [[nodiscard]] Result<std::unique_ptr<Ticket>> listen(std::string filter, TimePoint deadline);

  [[nodiscard]] bool is_modern() const { return !era_->server_may_ask(); }

  // False when listing the tools is the only question that is sure to be answered.
  [[nodiscard]] bool has_ping() const { return !era_->health_method().empty(); }

  // The era's cheapest question; any answer will do.
  Async<void> ping(TimePoint deadline);
  // Has the server send log messages of that level and above, unless it does so already. Legacy
  // era; the modern one says it in each request. Errors: Cancelled; a server that refuses is
  // logged.
  Async<void> want_log_level(std::string level, TimePoint deadline);
  // Sends what a caller asked for. An error means: certainly not sent.
  [[nodiscard]] Result<std::unique_ptr<Ticket>> request(Request request, TimePoint deadline);
  // The same with tools/call around exactly these argument bytes.
  [[nodiscard]] Result<std::unique_ptr<Ticket>> call_tool(
      std::string_view tool,
      std::string_view arguments,
      TimePoint deadline,
      mcp::HeaderList param_headers = {},
      ForCaller caller = {}
  );

  // Ends every open request with this error; later ones fail at once.
  void fail_all(const Error& why);
  // Returns when no ticket is left.
  Async<void> idle();

  [[nodiscard]] bool gone() const { return closed_; }

  [[nodiscard]] std::size_t in_flight() const { return tickets_.size(); }

  // When the last answer came, or the last progress of a request. Zero: never.
  [[nodiscard]] TimePoint last_sign_of_life() const { return last_sign_of_life_; }

 private:
  enum class Cancellable { No, Yes };

  Result<std::unique_ptr<Ticket>> begin(
      Request request, TimePoint deadline, Cancellable cancellable
  );
  Async<Answer> ask(Request request, TimePoint deadline, Cancellable cancellable);
  void cancel(std::int64_t id, std::string_view reason);
  void give_up(ServerLink::Unanswered unanswered);
  void receive(ServerLink::Received received);
  void receive(mcp::Message message, std::optional<std::int64_t> during);
  void answer(mcp::Message message);
  void notice(const mcp::Message& notification, std::optional<std::int64_t> during);
  [[nodiscard]] Ticket* ticket_of(std::optional<std::int64_t> during) const;
  void be_asked(mcp::Message question, std::optional<std::int64_t> during);
  void hear(const mcp::Message& notification, std::optional<std::int64_t> during);
  void answer_server(std::string message);
  void acknowledge(const mcp::Message& notification, std::optional<std::int64_t> during);
  void forget(std::int64_t id, bool tell_server);

  Deps deps_;
  std::unique_ptr<Era> era_ = legacy_era();  // in which requests are made
  bool closed_ = false;
  std::int64_t last_id_ = 0;
  std::uint64_t lines_skipped_ = 0;
  std::optional<std::size_t> log_level_;  // the most verbose one asked for
  TimePoint last_sign_of_life_;
  std::size_t noise_ = 0;  // since the last pause, as of kNoiseBytesMax
  std::map<std::int64_t, Ticket*> tickets_;
  async::OneShot<void>* idle_waiter_ = nullptr;
};

}  // namespace sluice::mcp_connector
