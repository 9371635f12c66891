#include "services/mcp-connector/adapters/http_transport.h"

#include "services/mcp-connector/adapters/client_link.h"
#include "services/mcp-connector/connections/era.h"
#include "services/mcp-connector/limits.h"

#include "common/async/deadline.h"
#include "common/mcp/json_rpc.h"
#include "common/mcp/modern_messages.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {
namespace {

constexpr std::int64_t kCheckId = 0;  // no request of a session has it
constexpr std::size_t kDetailBytes = 512;
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kMethodNotAllowed = 405;

// Visible ASCII, as the specification asks.
bool is_session_id(std::string_view id) {
  return !id.empty() && id.size() <= kSessionIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

// Whether the text is the answer to that request.
bool answers(const std::string& text, std::int64_t request) {
  const auto message = mcp::parse_message(text);
  if (!message.ok() || !message.value().id ||
      (message.value().kind != mcp::Message::Kind::Result &&
       message.value().kind != mcp::Message::Kind::Error)) {
    return false;
  }
  const auto* id = std::get_if<std::int64_t>(&*message.value().id);
  return id != nullptr && *id == request;
}

// The error in a body, whatever its id.
std::optional<mcp::RpcError> error_in(const std::string& body) {
  const auto message = mcp::parse_message(body);
  if (!message.ok() || message.value().kind != mcp::Message::Kind::Error) {
    return std::nullopt;
  }
  auto error = mcp::parse_rpc_error(message.value().error);
  return error.ok() ? std::optional(std::move(error).value()) : std::nullopt;
}

// What a server of HTTP+SSE may say to initialize.
bool is_without_post(int status) {
  return status == kBadRequest || status == kNotFound || status == kMethodNotAllowed;
}

class HttpLink final : public ClientLink {
 public:
  using ClientLink::ClientLink;

  Result<void> cancel(std::int64_t request, std::string notification) override {
    const auto place = exchanges_.find(request);
    if (place != exchanges_.end() && place->second.stateless) {
      cut(request);
      return {};
    }
    if (place != exchanges_.end()) {
      place->second.end = deps().clock->schedule(
          deps().clock->now() + kAnswerGrace, [this, request] { cut(request); }
      );
    }
    return is_stateless() ? Result<void>() : ServerLink::cancel(request, std::move(notification));
  }

  [[nodiscard]] bool tells_requests() const override { return true; }

  Async<void> stop() override {
    end();
    SLUICE_CO_CHECK_OK(co_await tasks().cancel_and_close());
    if (session_.empty()) {
      co_return Result<void>();
    }
    const TimePoint deadline = deps().clock->now() + kSessionEndTimeout;
    const auto ended = co_await async::with_deadline(
        deps().clock, deadline, open(within_session("DELETE", {}, deadline))
    );
    if (!ended.ok()) {  // the server forgets it by itself
      deps().log->debug(
          "session-not-ended", {{"server", name()}, {"error", ended.error().to_log()}}
      );
    }
    co_return Result<void>();
  }

 private:
  // A request and what may become of its answer.
  struct Exchange {
    std::int64_t id = 0;
    TimePoint deadline;
    bool stateless = false;  // modern era: there is no session, and a stream does not go on
  };

  // One that has not ended.
  struct Running {
    async::TaskGroup::Task task;
    bool stateless = false;
    std::unique_ptr<async::Timer> end;  // once nobody waits for the answer any more
  };

  // The state of one event stream over its interruptions.
  struct Events {
    std::string last_id;
    std::chrono::milliseconds retry = kEventsRetry;
  };

  // To the one URL, within the session.
  [[nodiscard]] http::ClientRequest within_session(
      std::string method, std::string body, TimePoint deadline
  ) const {
    auto request = ClientLink::request(std::move(method), url(), std::move(body), deadline);
    request.headers.set("accept", "application/json, text/event-stream");
    if (!session_.empty()) {
      request.headers.set(mcp::kSessionHeader, session_);
    }
    return request;
  }

  // Modern era: there are only requests, and each is complete in itself.
  [[nodiscard]] bool is_stateless() const { return mcp::is_modern_version(version()); }

  // Requests go side by side; what follows a notification waits until the server has taken it.
  void send_queued() override {
    while (!notifying_) {
      auto next = next_queued();
      if (!next) {
        return;
      }
      if (next->request) {
        begin(std::move(*next));
      } else if (is_stateless()) {  // the answer to a question the server may not ask
        deps().log->warn("message-not-sent", {{"server", name()}});
      } else {
        notifying_ = true;
        tasks().spawn("notification", notify(std::move(next->message)));
      }
    }
  }

  Async<void> notify(std::string message) {
    const auto taken = co_await open(
        within_session("POST", std::move(message), deps().clock->now() + kNotificationTimeout)
    );
    notifying_ = false;
    if (taken.ok() && !is_success(taken.value()->status())) {
      deps().log->warn(
          "notification-refused", {{"server", name()}, {"status", taken.value()->status()}}
      );
    } else if (!taken.ok() && taken.error().code() != Code::Cancelled) {
      deps().log->warn(
          "notification-not-sent", {{"server", name()}, {"error", taken.error().to_log()}}
      );
    }
    if (ended()) {
      co_return Result<void>();
    }
    if (is_negotiated() && !std::exchange(listening_, true)) {
      tasks().spawn("listen", listen());
    }
    send_queued();
    if (taken.ok()) {
      co_await read_off(taken.value().get());
    }
    co_return Result<void>();
  }

  void begin(Outbound outbound) {
    const std::int64_t id = *outbound.request;
    exchanges_[id].stateless = !outbound.headers.empty();
    const auto task = tasks().spawn("request", carry_out(std::move(outbound)));
    if (const auto place = exchanges_.find(id); place != exchanges_.end()) {
      place->second.task = task;
    }
  }

  void cut(std::int64_t id) {
    const auto place = exchanges_.find(id);
    if (place != exchanges_.end()) {
      const auto task = place->second.task;
      exchanges_.erase(place);
      tasks().cancel(task);
    }
  }

  Async<void> carry_out(Outbound outbound) {
    const std::int64_t id = *outbound.request;
    auto done = co_await ask(std::move(outbound));
    exchanges_.erase(id);
    co_return done;
  }

  [[nodiscard]] http::ClientRequest post(Outbound outbound, TimePoint deadline) const {
    auto request = within_session("POST", std::move(outbound.message), deadline);
    for (const auto& [name, value] : outbound.headers) {
      request.headers.set(name, value);
    }
    return request;
  }

  Async<void> ask(Outbound outbound) {
    const Exchange exchange{
        .id = *outbound.request,
        .deadline = outbound.answer_by + kAnswerGrace,
        .stateless = !outbound.headers.empty()
    };
    auto opened = co_await open(post(std::move(outbound), exchange.deadline));
    if (!opened.ok()) {
      if (opened.error().code() == Code::Cancelled) {
        co_return Result<void>();
      }
      if (!is_refusal(opened.error())) {
        doubt(opened.error().message());
      }
      co_return co_await leave_unanswered(exchange.id, std::move(opened).error());
    }
    auto& response = opened.value();
    if (!is_negotiated() && !exchange.stateless && session_.empty()) {
      session_ = response->headers().get(mcp::kSessionHeader);
      if (!session_.empty() && !is_session_id(session_)) {
        session_.clear();
        co_return co_await leave_unanswered(
            exchange.id,
            Error(Code::Invalid, "the MCP server names a session that is no visible ASCII text")
        );
      }
    }
    if (is_event_stream(*response)) {
      co_return co_await follow(std::move(response), exchange);
    }
    co_return co_await take_whole(std::move(response), exchange);
  }

  // A body that is one message, whatever the status: servers send JSON-RPC errors with 4xx and 5xx.
  Async<void> take_whole(std::unique_ptr<http::BodyStream> response, Exchange exchange) {
    std::string body;
    for (;;) {  // ends with the response, which has a deadline
      auto piece = co_await response->read();
      if (!piece.ok()) {
        co_return co_await leave_unanswered(exchange.id, std::move(piece).error());
      }
      if (piece.value().empty()) {
        break;
      }
      body += piece.value();
      if (body.size() > kMessageBytesMax) {
        co_return co_await leave_unanswered(
            exchange.id,
            Error(Code::Exhausted, "the MCP server's answer is too large; ask for less at once")
        );
      }
    }
    if (!http::has_media_type(response->headers(), "application/json")) {
      body.clear();
    }
    if (exchange.stateless || !is_negotiated()) {
      co_return co_await take_outside_session(std::move(body), response->status(), exchange);
    }
    if (answers(body, exchange.id)) {
      co_return co_await deliver(std::move(body));
    }
    co_return co_await miss(response->status(), exchange.id);
  }

  // Without a session an error is the answer to the request even if it does not repeat its id.
  Async<void> take_outside_session(std::string body, int status, Exchange exchange) {
    const auto error = error_in(body);
    const bool is_modern = error && mcp::is_modern_error(error->code);
    if (!exchange.stateless && is_without_post(status) && !is_modern) {
      co_return co_await leave_unanswered(
          exchange.id,
          Error(
              Code::NotFound,
              "the MCP server answered initialize with HTTP status " + std::to_string(status) +
                  "; check connection_string, or look at the server's own logs"
          )
              .with_detail(body.substr(0, kDetailBytes))
      );
    }
    if (answers(body, exchange.id)) {
      co_return co_await deliver(std::move(body));
    }
    if (error) {
      co_return co_await deliver(mcp::make_error(mcp::RpcId(exchange.id), *error));
    }
    co_return co_await miss(status, exchange.id);
  }

  // A response without the answer.
  Async<void> miss(int status, std::int64_t id) {
    if (status == kNotFound && !session_.empty()) {
      lose_session("the MCP server has ended the session");
      co_return Result<void>();
    }
    if (status == kBadRequest && !session_.empty()) {
      doubt("HTTP status 400");  // what some servers say of a session they do not know
    }
    co_return co_await leave_unanswered(
        id,
        is_success(status)
            ? Error(
                  Code::Unavailable,
                  "the MCP server took the request but sent no answer to it; look at its own logs"
              )
            : status_error(status)
    );
  }

  // Reads events to the end of the stream, which comes after the answer; goes on by GET where it
  // comes before.
  Async<void> follow(std::unique_ptr<http::BodyStream> response, Exchange exchange) {
    Events events;
    for (;;) {
      SLUICE_CO_TRY(
          const bool answered, co_await read_events(response.get(), &events, exchange.id)
      );
      if (answered) {
        co_return Result<void>();
      }
      response.reset();
      if (exchange.stateless || events.last_id.empty() ||
          deps().clock->now() + events.retry >= exchange.deadline) {
        break;
      }
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps().clock, events.retry));
      SLUICE_CO_TRY(response, co_await resume(&events, exchange.deadline));
      if (response == nullptr) {
        break;
      }
    }
    co_return co_await leave_unanswered(
        exchange.id,
        Error(
            Code::Unavailable,
            "the MCP server ended its stream of events before the answer; look at its own logs"
        )
    );
  }

  // The rest of a stream; nullptr when the server does not go on with it.
  Async<std::unique_ptr<http::BodyStream>> resume(const Events* events, TimePoint deadline) {
    auto get = within_session("GET", {}, deadline);
    get.headers.set("accept", "text/event-stream");
    get.headers.set(mcp::kLastEventIdHeader, events->last_id);
    auto opened = co_await open(std::move(get));
    if (!opened.ok() && opened.error().code() == Code::Cancelled) {
      co_return std::move(opened).error();
    }
    if (!opened.ok() || !is_event_stream(*opened.value())) {
      co_return std::unique_ptr<http::BodyStream>();
    }
    co_return std::move(opened).value();
  }

  // Delivers messages until the stream ends. Whether the answer to the request was among them.
  // Errors: Cancelled.
  Async<bool> read_events(
      http::BodyStream* response, Events* events, std::optional<std::int64_t> request
  ) {
    http::SseParser parser(kMessageBytesMax);
    bool answered = false;
    for (;;) {
      const auto piece = co_await response->read();
      if (!piece.ok() && piece.error().code() == Code::Cancelled) {
        co_return piece.error();
      }
      if (!piece.ok() || piece.value().empty()) {
        co_return answered;
      }
      auto parsed = parser.feed(piece.value());
      if (!parsed.ok()) {
        deps().log->warn("event-too-large", {{"server", name()}});
        co_return answered;
      }
      for (http::SseEvent& event : parsed.value()) {
        SLUICE_CO_TRY(const bool is_answer, co_await take(std::move(event), events, request));
        answered = answered || is_answer;
      }
    }
  }

  Async<bool> take(http::SseEvent event, Events* events, std::optional<std::int64_t> request) {
    if (event.id && event.id->size() <= kEventIdBytesMax) {
      events->last_id = std::move(*event.id);
    }
    if (event.retry_ms) {
      events->retry =
          std::clamp(std::chrono::milliseconds(*event.retry_ms), kEventsRetryMin, kEventsRetryMax);
    }
    if (!is_message(event)) {
      co_return false;
    }
    const bool answered = request && answers(event.data, *request);
    SLUICE_CO_CHECK_OK(co_await deliver(std::move(event.data), request));
    co_return answered;
  }

  // The stream of what belongs to no request. Not every server has one.
  Async<void> listen() {
    Events events;
    while (!ended()) {
      auto get = within_session("GET", {}, deps().clock->now() + kListenFor);
      get.headers.set("accept", "text/event-stream");
      if (!events.last_id.empty()) {
        get.headers.set(mcp::kLastEventIdHeader, events.last_id);
      }
      const auto opened = co_await open(std::move(get));
      if (!opened.ok() && opened.error().code() == Code::Cancelled) {
        co_return Result<void>();
      }
      if (opened.ok() && is_event_stream(*opened.value())) {
        SLUICE_CO_CHECK_OK(co_await read_events(opened.value().get(), &events, std::nullopt));
      } else if (opened.ok() && opened.value()->status() == kMethodNotAllowed) {
        co_return Result<void>();
      } else if (opened.ok() && opened.value()->status() == kNotFound && !session_.empty()) {
        lose_session("the MCP server has ended the session");
        co_return Result<void>();
      } else {
        events.retry = std::min(events.retry * 2, kEventsRetryMax);
      }
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps().clock, events.retry));
    }
    co_return Result<void>();
  }

  // Something makes the session or the server doubtful: one more request decides.
  void doubt(std::string why) {
    note(std::move(why));
    if (!ended() && is_negotiated() && !std::exchange(checking_, true)) {
      tasks().spawn("check", check());
    }
  }

  Async<void> check() {
    const auto era = is_stateless() ? modern_era(version(), Discovered::No) : legacy_era();
    const bool has_ping = !era->health_method().empty();
    const Request question{.method = has_ping ? std::string(era->health_method()) : "tools/list"};
    const auto answer =
        co_await open(post(era->form(kCheckId, question), deps().clock->now() + kPingTimeout));
    checking_ = false;
    if (!answer.ok()) {
      if (answer.error().code() != Code::Cancelled) {
        lose_session("the MCP server cannot be reached");
      }
      co_return Result<void>();
    }
    const int status = answer.value()->status();
    if (!is_stateless() && (status == kBadRequest || status == kNotFound)) {
      lose_session("the MCP server has ended the session");
    }
    co_await read_off(answer.value().get());
    co_return Result<void>();
  }

  // Nothing is left there to be ended.
  void lose_session(std::string why) {
    session_.clear();
    lose(std::move(why));
  }

  std::string session_;
  std::map<std::int64_t, Running> exchanges_;  // by request
  bool notifying_ = false;
  bool listening_ = false;
  bool checking_ = false;
};

}  // namespace

Async<std::unique_ptr<ServerLink>> HttpOpener::open(const ServerConfig* server) {
  SLUICE_CO_CHECK_OK(check_auth_type(*server));
  SLUICE_CO_TRY(auto guard, guard_of(*server));
  SLUICE_CO_TRY(auto authorization, co_await authorization_of(deps_, server));
  SLUICE_CO_CHECK_OK(co_await deps_.client->connect(
      {.url = server->address.reveal(),
       .deadline = deps_.clock->now() + server->start_timeout,
       .guard = guard}
  ));
  co_return std::make_unique<HttpLink>(deps_, *server, std::move(guard), std::move(authorization));
}

}  // namespace sluice::mcp_connector
