#include "services/mcp-connector/adapters/sse_transport.h"

#include "services/mcp-connector/adapters/client_link.h"
#include "services/mcp-connector/limits.h"

#include "common/async/deadline.h"

#include <utility>
#include <vector>

namespace sluice::mcp_connector {
namespace {

// "https://host:1/a/b?c" -> "https://host:1"
std::string_view origin_of(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto path = url.find_first_of("/?#", scheme_end + 3);
  return url.substr(0, path);
}

class SseLink final : public ClientLink {
 public:
  using ClientLink::ClientLink;

  // Opens the stream and reads up to the endpoint.
  Async<void> connect() {
    auto get = request("GET", url(), {}, deps().clock->now() + kStreamFor);
    get.headers.set("accept", "text/event-stream");
    SLUICE_CO_TRY(stream_, co_await open(std::move(get)));
    if (!is_event_stream(*stream_)) {
      co_return is_success(stream_->status())
          ? Error(
                Code::Unavailable,
                "the MCP server answers with no stream of events; check connection_string, or use "
                "connection_type http"
            )
          : status_error(stream_->status());
    }
    while (endpoint_.empty()) {
      SLUICE_CO_TRY(const std::string piece, co_await stream_->read());
      if (piece.empty()) {
        co_return Error(
            Code::Unavailable, "the MCP server ended its stream before it named an endpoint"
        );
      }
      SLUICE_CO_TRY(auto events, parser_.feed(piece));
      for (http::SseEvent& event : events) {
        SLUICE_CO_CHECK_OK(first(std::move(event)));
      }
    }
    tasks().spawn("read", read());
    co_return Result<void>();
  }

  // The server ends the session with the stream.
  Async<void> stop() override {
    end();
    const auto ended = co_await tasks().cancel_and_close();
    stream_.reset();
    co_return ended;
  }

 private:
  void send_queued() override {
    if (!std::exchange(sending_, true)) {
      tasks().spawn("send", send_all());
    }
  }

  // The endpoint, then messages that came in the same piece.
  Result<void> first(http::SseEvent event) {
    if (!endpoint_.empty()) {
      early_.push_back(std::move(event));
      return {};
    }
    if (event.event != "endpoint") {
      return {};
    }
    auto target = endpoint_url(url(), event.data);
    if (!target) {
      return Error(
          Code::Invalid,
          "the MCP server wants messages sent to another origin than its own; nothing is sent there"
      );
    }
    endpoint_ = std::move(*target);
    return {};
  }

  Async<void> read() {
    for (http::SseEvent& event : early_) {
      SLUICE_CO_CHECK_OK(co_await take(std::move(event)));
    }
    early_.clear();
    while (!ended()) {
      const auto piece = co_await stream_->read();
      if (!piece.ok() || piece.value().empty()) {
        if (!piece.ok() && piece.error().code() == Code::Cancelled) {
          co_return Result<void>();
        }
        lose("the MCP server ended its stream of events");
        break;
      }
      auto events = parser_.feed(piece.value());
      if (!events.ok()) {
        lose("the MCP server sent an event that is too large");
        break;
      }
      for (http::SseEvent& event : events.value()) {
        SLUICE_CO_CHECK_OK(co_await take(std::move(event)));
      }
    }
    co_return Result<void>();
  }

  Async<void> take(http::SseEvent event) {
    co_return is_message(event) ? co_await deliver(std::move(event.data)) : Result<void>();
  }

  // One after the other: a server takes a message at once and answers on the stream.
  Async<void> send_all() {
    while (auto next = ended() ? std::nullopt : next_queued()) {
      SLUICE_CO_CHECK_OK(co_await post(std::move(*next)));
    }
    sending_ = false;
    co_return Result<void>();
  }

  Async<void> post(Outbound outbound) {
    const auto taken = co_await open(request(
        "POST", endpoint_, std::move(outbound.message), deps().clock->now() + kNotificationTimeout
    ));
    if (taken.ok()) {
      co_await read_off(taken.value().get());
    }
    if (taken.ok() && is_success(taken.value()->status())) {
      co_return Result<void>();
    }
    if (!taken.ok() && taken.error().code() == Code::Cancelled) {
      co_return Result<void>();
    }
    const Error why = taken.ok() ? status_error(taken.value()->status()) : taken.error();
    if (!outbound.request) {
      deps().log->warn("notification-not-taken", {{"server", name()}, {"error", why.to_log()}});
      co_return Result<void>();
    }
    co_return co_await leave_unanswered(*outbound.request, why);
  }

  std::string endpoint_;
  std::unique_ptr<http::BodyStream> stream_;
  http::SseParser parser_{kMessageBytesMax};
  std::vector<http::SseEvent> early_;
  bool sending_ = false;
};

}  // namespace

std::optional<std::string> endpoint_url(std::string_view stream_url, std::string_view endpoint) {
  const std::string_view origin = origin_of(stream_url);
  if (endpoint.empty() || endpoint.starts_with("//") || endpoint.find('\\') != std::string::npos) {
    return std::nullopt;
  }
  if (endpoint.find("://") < endpoint.find_first_of("/?#")) {
    return origin_of(endpoint) == origin ? std::optional<std::string>(endpoint) : std::nullopt;
  }
  std::string url(origin);
  if (endpoint.front() != '/') {  // beside the stream's own path
    std::string_view path = stream_url.substr(origin.size());
    path = path.substr(0, path.find_first_of("?#"));
    const auto slash = path.rfind('/');
    url += slash == std::string::npos ? "/" : path.substr(0, slash + 1);
  }
  return url.append(endpoint);
}

Async<std::unique_ptr<ServerLink>> SseOpener::open(const ServerConfig* server) {
  SLUICE_CO_CHECK_OK(check_auth_type(*server));
  SLUICE_CO_TRY(auto guard, guard_of(*server));
  SLUICE_CO_TRY(auto authorization, co_await authorization_of(deps_, server));
  auto link = std::make_unique<SseLink>(deps_, *server, std::move(guard), std::move(authorization));
  const auto connected = co_await async::with_deadline(
      deps_.clock, deps_.clock->now() + server->start_timeout, link->connect()
  );
  if (!connected.ok()) {
    const auto stopped = co_await link->stop();
    co_return stopped.ok() ? connected.error() : stopped.error();
  }
  co_return link;
}

}  // namespace sluice::mcp_connector
