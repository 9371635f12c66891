#include "common/http/client.h"

#include "common/http/internal/client_connection.h"
#include "common/http/internal/connector.h"
#include "common/http/internal/response_parser.h"
#include "common/http/internal/text.h"
#include "common/http/internal/url.h"
#include "common/http/internal/watchdog.h"
#include "common/json/scan.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::http {
namespace {

using ConnectionPtr = std::shared_ptr<ClientConnection>;

constexpr std::size_t kBodyReserveMax = 1 << 20;

// Gives connections back. The pool outlives its exchanges.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  Pool(Pool&&) = delete;
  Pool& operator=(Pool&&) = delete;
  virtual ~Pool() = default;
  virtual void give_back(ConnectionPtr connection) = 0;
  virtual void drop(ConnectionPtr connection) = 0;
};

// One request's response on one connection, from its first byte to its last.
class Exchange final : public BodyStream {
 public:
  Exchange(Pool* pool, ConnectionPtr connection, ResponseLimits limits, Expect expect)
      : pool_(pool), connection_(std::move(connection)), parser_(limits, expect) {}

  ~Exchange() override {
    if (connection_ != nullptr) {
      pool_->drop(std::move(connection_));
    }
  }

  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  Exchange(Exchange&&) = delete;
  Exchange& operator=(Exchange&&) = delete;

  // Until the head is complete. Errors: Unavailable, Deadline, Cancelled, Exhausted.
  Async<void> read_head() {
    while (!parser_.head_done()) {
      SLUICE_CO_CHECK_OK(co_await step());
    }
    status_ = parser_.status();
    length_ = parser_.content_length();
    headers_ = parser_.take_headers();
    if (parser_.done()) {
      finish();
    }
    co_return Result<void>();
  }

  Async<std::string> read() override {
    while (parser_.body().empty() && !parser_.done()) {
      SLUICE_CO_CHECK_OK(co_await step());
    }
    if (parser_.done()) {
      finish();
    }
    co_return parser_.take_body();
  }

  // The whole body.
  Async<std::string> read_all(std::size_t bytes_max) {
    if (length_.value_or(0) > bytes_max) {
      co_return too_large();
    }
    parser_.body().reserve(
        std::min<std::size_t>(length_.value_or(0), kBodyReserveMax) + json::kScanPadding
    );
    while (!parser_.done() && parser_.body().size() <= bytes_max) {
      SLUICE_CO_CHECK_OK(co_await step());
    }
    if (parser_.body().size() > bytes_max) {
      co_return too_large();
    }
    finish();
    parser_.body().reserve(parser_.body().size() + json::kScanPadding);
    co_return parser_.take_body();
  }

  [[nodiscard]] int status() const override { return status_; }

  [[nodiscard]] const Headers& headers() const override { return headers_; }

  [[nodiscard]] Headers take_headers() { return std::move(headers_); }

 private:
  static Error too_large() {
    return {Code::Exhausted, "the server's response is larger than the limit"};
  }

  // Parses what is there, or waits for more.
  Async<void> step() {
    SLUICE_CHECK(connection_ != nullptr, "a finished exchange reads nothing more");
    if (connection_->bytes().empty()) {
      SLUICE_CO_CHECK_OK(co_await connection_->more());
    }
    if (!connection_->bytes().empty()) {
      SLUICE_CO_TRY(const std::size_t used, parser_.feed(connection_->bytes()));
      connection_->used(used);
      co_return Result<void>();
    }
    if (connection_->ended_cleanly()) {
      co_return parser_.finish();
    }
    co_return Error(
        Code::Unavailable,
        "the connection broke before the response was complete (after the request was sent)"
    );
  }

  // The response is complete: the connection can serve the next request, unless it cannot.
  void finish() {
    if (connection_ == nullptr) {
      return;
    }
    const bool reusable =
        parser_.keep_alive() && connection_->bytes().empty() && !connection_->ended();
    if (reusable) {
      pool_->give_back(std::move(connection_));
    } else {
      pool_->drop(std::move(connection_));
    }
    connection_ = nullptr;
  }

  Pool* pool_;
  ConnectionPtr connection_;
  ResponseParser parser_;
  int status_ = 0;
  std::optional<std::uint64_t> length_;
  Headers headers_;
};

bool is_own_field(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOwn{
      "host", "content-length", "connection", "transfer-encoding"
  };
  return std::any_of(kOwn.begin(), kOwn.end(), [name](std::string_view own) {
    return equals_ignoring_case(name, own);
  });
}

bool is_clean(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != 0x7f;
  });
}

Result<std::string> format_request(const ClientRequest& request, const Url& url) {
  std::string out;
  out.reserve(256 + url.target.size() + request.headers.fields().size() * 64);
  if (!is_token(request.method)) {
    return Error(Code::Invalid, "the request method is malformed");
  }
  out.append(request.method)
      .append(" ")
      .append(url.target)
      .append(" HTTP/1.1\r\nhost: ")
      .append(url.authority)
      .append("\r\n");
  for (const auto& [name, value] : request.headers.fields()) {
    if (!is_token(name) || !is_clean(value)) {
      return Error(
          Code::Invalid, "a request header field has a control character or a malformed name"
      );
    }
    if (!is_own_field(name)) {
      out.append(name).append(": ").append(value).append("\r\n");
    }
  }
  const bool bodiless =
      request.body.empty() &&
      (request.method == "GET" || request.method == "HEAD" || request.method == "DELETE");
  if (!bodiless) {
    out.append("content-length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  out.append("\r\n");
  return out;
}

class PoolingClient final : public Client, public ConnectionOwner, public Pool {
 public:
  PoolingClient(const Executor& executor, async::Clock* clock, ClientOptions options)
      : loop_(executor),
        clock_(clock),
        options_(std::move(options)),
        watchdog_(clock, [this](TimePoint now) { return sweep(now); }) {}

  ~PoolingClient() override {
    for (const auto& connection : connections_) {
      connection->disown();
    }
  }

  PoolingClient(const PoolingClient&) = delete;
  PoolingClient& operator=(const PoolingClient&) = delete;
  PoolingClient(PoolingClient&&) = delete;
  PoolingClient& operator=(PoolingClient&&) = delete;

  Async<ClientResponse> fetch(ClientRequest request) override {
    SLUICE_CO_TRY(std::unique_ptr<Exchange> exchange, co_await start(std::move(request)));
    SLUICE_CO_TRY(std::string body, co_await exchange->read_all(options_.response_bytes_max));
    ClientResponse response;
    response.status = exchange->status();
    response.headers = exchange->take_headers();
    response.body = std::move(body);
    co_return response;
  }

  Async<std::unique_ptr<BodyStream>> open(ClientRequest request) override {
    SLUICE_CO_TRY(std::unique_ptr<Exchange> exchange, co_await start(std::move(request)));
    co_return std::unique_ptr<BodyStream>(std::move(exchange));
  }

  Async<void> connect(ClientRequest request) override {
    SLUICE_CO_TRY(const Url url, parse_url(request.url));
    SLUICE_CO_TRY(ConnectionPtr connection, co_await acquire(url, &request, Reuse::Yes));
    give_back(std::move(connection));
    co_return Result<void>();
  }

  [[nodiscard]] std::size_t open_connections() const override { return connections_.size(); }

 private:
  struct Origin {                     // and guard
    std::vector<ConnectionPtr> idle;  // the last one is the freshest
    std::size_t open = 0;             // connecting ones included
  };

  Async<std::unique_ptr<Exchange>> start(ClientRequest request) {
    SLUICE_CO_TRY(Url url, parse_url(request.url));
    SLUICE_CO_TRY(const std::string head, format_request(request, url));
    SLUICE_CO_TRY(ConnectionPtr connection, co_await acquire(url, &request, Reuse::Yes));
    auto first = co_await attempt(connection, head, &request);
    const bool stale = !first.ok() && first.error().code() == Code::Unavailable &&
                       connection->reused() && connection->nothing_received() &&
                       (request.idempotent || connection->nothing_sent());
    if (!stale) {
      co_return first;
    }
    SLUICE_CO_TRY(connection, co_await acquire(url, &request, Reuse::No));
    co_return co_await attempt(connection, head, &request);
  }

  // Sends and reads the head of the response. The request's body is kept for a second attempt when
  // one is possible.
  Async<std::unique_ptr<Exchange>> attempt(
      ConnectionPtr connection, std::string head, ClientRequest* request
  ) {
    connection->begin(request->deadline);
    auto exchange = std::make_unique<Exchange>(
        this,
        connection,
        ResponseLimits{.header_bytes_max = options_.header_bytes_max},
        request->method == "HEAD" ? Expect::HeadOnly : Expect::Body
    );
    std::string body = connection->reused() ? request->body : std::move(request->body);
    auto sent = co_await connection->send(std::move(head), std::move(body));
    if (!sent.ok() && connection->expired()) {
      co_return Error(Code::Deadline, "the request could not be sent in time");
    }
    // A server may answer and close before it has read everything: what it said counts.
    const bool answered =
        !sent.ok() && sent.error().code() == Code::Unavailable && !connection->nothing_received();
    if (!sent.ok() && !answered) {
      co_return std::move(sent).error();
    }
    SLUICE_CO_CHECK_OK(co_await exchange->read_head());
    co_return exchange;
  }

  enum class Reuse { Yes, No };

  // A connection was checked when it was made, so only one of the same guard will do.
  static std::string pool_key(const Url& url, const ClientRequest& request) {
    return request.guard == nullptr ? url.origin() : url.origin() + " " + request.guard->key();
  }

  Async<ConnectionPtr> acquire(Url url, const ClientRequest* request, Reuse reuse) {
    const std::string key = pool_key(url, *request);
    Origin& origin = origins_[key];
    if (reuse == Reuse::Yes && !origin.idle.empty()) {
      ConnectionPtr connection = std::move(origin.idle.back());
      origin.idle.pop_back();
      co_return connection;
    }
    if (origin.open >= options_.connections_per_origin_max) {
      co_return Error(Code::Exhausted, "too many connections to the server are open; retry later");
    }
    if (url.tls && tls_ == nullptr) {
      SLUICE_CO_TRY(tls_, TlsContext::client(options_.ca_file));
    }
    ++origin.open;
    const TimePoint until = std::min(request->deadline, clock_->now() + options_.connect_timeout);
    Destination to{.url = url, .tls = url.tls ? tls_ : nullptr, .guard = request->guard};
    auto stream = co_await http::connect(clock_, loop_, std::move(to), until);
    if (!stream.ok()) {
      release(key);
      // Running out of the connect timeout is the server's fault; out of the caller's time, the
      // caller's.
      const bool caller_has_time =
          stream.error().code() == Code::Deadline && clock_->now() < request->deadline;
      if (caller_has_time) {
        co_return Error(
            Code::Unavailable,
            "the server could not be reached in time (before the request was sent)"
        )
            .with_detail(stream.error().detail());
      }
      co_return std::move(stream).error();
    }
    auto connection = std::make_shared<ClientConnection>(loop_, clock_, this, key);
    connection->attach(std::move(stream).value());
    connections_.insert(connection);
    connection->start_reading();
    co_return connection;
  }

  void give_back(ConnectionPtr connection) override {
    Origin& origin = origins_[connection->pool_key()];
    if (origin.idle.size() >= options_.idle_per_origin_max || connection->closed()) {
      drop(std::move(connection));
      return;
    }
    connection->rest(clock_->now() + options_.idle_timeout);
    origin.idle.push_back(std::move(connection));
  }

  void drop(ConnectionPtr connection) override {
    connection->close();
    if (connections_.erase(connection) > 0) {
      release(connection->pool_key());
    }
  }

  void release(const std::string& key) {
    const auto found = origins_.find(key);
    if (found != origins_.end() && --found->second.open == 0 && found->second.idle.empty()) {
      origins_.erase(found);
    }
  }

  void on_idle_ended(ClientConnection* connection) override {
    const auto found = origins_.find(connection->pool_key());
    if (found == origins_.end()) {
      return;
    }
    auto& idle = found->second.idle;
    const auto place =
        std::find_if(idle.begin(), idle.end(), [connection](const ConnectionPtr& candidate) {
          return candidate.get() == connection;
        });
    if (place != idle.end()) {
      ConnectionPtr kept = std::move(*place);
      idle.erase(place);
      drop(std::move(kept));
    }
  }

  void on_deadline_set(TimePoint when) override { watchdog_.arm(when); }

  TimePoint sweep(TimePoint now) {
    TimePoint next = TimePoint::max();
    std::vector<ConnectionPtr> overdue;
    for (const auto& connection : connections_) {
      if (connection->deadline() <= now) {
        overdue.push_back(connection);
      } else {
        next = std::min(next, connection->deadline());
      }
    }
    for (const auto& connection : overdue) {
      if (connection->idle()) {
        on_idle_ended(connection.get());
      } else {
        connection->expire();
      }
    }
    return next;
  }

  Executor loop_;
  async::Clock* clock_;
  ClientOptions options_;
  Watchdog watchdog_;
  std::shared_ptr<TlsContext> tls_;
  std::unordered_map<std::string, Origin> origins_;
  std::unordered_set<ConnectionPtr> connections_;
};

}  // namespace

std::unique_ptr<Client> Client::make(
    Executor executor, async::Clock* clock, ClientOptions options
) {
  return std::make_unique<PoolingClient>(executor, clock, std::move(options));
}

}  // namespace sluice::http
