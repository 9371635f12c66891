#include "services/mcp-connector/adapters/sse_transport.h"

#include "services/mcp-connector/adapters/http_replies.h"
#include "services/mcp-connector/limits.h"

#include "common/async/channel.h"
#include "common/async/deadline.h"
#include "common/async/task_group.h"
#include "common/http/sse.h"

#include <deque>
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

class SseLink final : public ServerLink {
 public:
  SseLink(SseOpener::Deps deps, const ServerConfig& server)
      : deps_(deps),
        name_(server.name),
        url_(server.address.reveal()),
        tasks_(deps.executor, [log = deps.log](std::string_view name, const Error& error) {
          log->error("sse-link-task-failed", {{"task", name}, {"error", error.to_log()}});
        }) {
    for (const auto& [name, value] : server.headers) {
      headers_.add(name, value.reveal());
    }
  }

  SseLink(const SseLink&) = delete;
  SseLink& operator=(const SseLink&) = delete;
  SseLink(SseLink&&) = delete;
  SseLink& operator=(SseLink&&) = delete;
  ~SseLink() override = default;

  // Opens the stream and reads up to the endpoint.
  Async<void> connect() {
    http::ClientRequest get{
        .method = "GET",
        .url = url_,
        .headers = headers_,
        .body = {},
        .deadline = deps_.clock->now() + kStreamFor
    };
    get.headers.set("accept", "text/event-stream");
    SLUICE_CO_TRY(stream_, co_await deps_.client->open(std::move(get)));
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
    tasks_.spawn("read", read());
    co_return Result<void>();
  }

  Result<void> send(Outbound outbound) override {
    if (inbound_.closed()) {
      return Error(
          Code::Unavailable,
          "the connection to the MCP server is lost; it is made anew, retry later"
      );
    }
    if (queued_bytes_ + outbound.message.size() > kOutputBytesMax) {
      return Error(Code::Exhausted, "the MCP server takes no messages at the moment; retry later");
    }
    queued_bytes_ += outbound.message.size();
    queue_.push_back(std::move(outbound));
    if (!std::exchange(sending_, true)) {
      tasks_.spawn("send", send_queued());
    }
    return {};
  }

  Async<std::optional<Inbound>> receive() override { return inbound_.pop(); }

  void negotiated(std::string_view protocol_version) override { version_ = protocol_version; }

  // The server ends the session with the stream.
  Async<void> stop() override {
    inbound_.close();
    const auto ended = co_await tasks_.cancel_and_close();
    stream_.reset();
    co_return ended;
  }

  [[nodiscard]] std::string last_words() const override { return last_words_; }

 private:
  // The endpoint, then messages that came in the same piece.
  Result<void> first(http::SseEvent event) {
    if (!endpoint_.empty()) {
      early_.push_back(std::move(event));
      return {};
    }
    if (event.event != "endpoint") {
      return {};
    }
    auto url = endpoint_url(url_, event.data);
    if (!url) {
      return Error(
          Code::Invalid,
          "the MCP server wants messages sent to another origin than its own; nothing is sent there"
      );
    }
    endpoint_ = std::move(*url);
    return {};
  }

  Async<void> read() {
    for (http::SseEvent& event : early_) {
      SLUICE_CO_CHECK_OK(co_await take(std::move(event)));
    }
    early_.clear();
    while (!inbound_.closed()) {
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
    if (event.data.empty() || (!event.event.empty() && event.event != "message")) {
      co_return Result<void>();
    }
    const auto taken = co_await inbound_.push(std::move(event.data));
    co_return inbound_.closed() ? Result<void>() : taken;
  }

  // One after the other: a server takes a message at once and answers on the stream.
  Async<void> send_queued() {
    while (!queue_.empty() && !inbound_.closed()) {
      Outbound next = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= next.message.size();
      SLUICE_CO_CHECK_OK(co_await post(std::move(next)));
    }
    sending_ = false;
    co_return Result<void>();
  }

  Async<void> post(Outbound outbound) {
    http::ClientRequest request{
        .method = "POST",
        .url = endpoint_,
        .headers = headers_,
        .body = std::move(outbound.message),
        .deadline = deps_.clock->now() + kNotificationTimeout
    };
    request.headers.set("content-type", "application/json");
    if (!version_.empty()) {
      request.headers.set("mcp-protocol-version", version_);
    }
    const auto taken = co_await deps_.client->open(std::move(request));
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
      deps_.log->warn("notification-not-taken", {{"server", name_}, {"error", why.to_log()}});
      co_return Result<void>();
    }
    const auto told = co_await inbound_.push(Unanswered{*outbound.request, why});
    co_return inbound_.closed() ? Result<void>() : told;
  }

  void lose(std::string why) {
    last_words_ = std::move(why);
    inbound_.close();
  }

  SseOpener::Deps deps_;
  std::string name_;
  std::string url_;
  http::Headers headers_;
  std::string endpoint_;
  std::string version_;
  std::string last_words_;
  std::unique_ptr<http::BodyStream> stream_;
  http::SseParser parser_{kMessageBytesMax};
  std::vector<http::SseEvent> early_;
  std::deque<Outbound> queue_;
  std::size_t queued_bytes_ = 0;
  bool sending_ = false;
  async::Channel<Inbound> inbound_{kInboundMessagesMax};
  async::TaskGroup tasks_;
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
  auto link = std::make_unique<SseLink>(deps_, *server);
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
