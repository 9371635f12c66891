// HTTP/1.1 server: llhttp on Asio sockets, keep-alive, optional TLS. h2 is refused. One per shard
// (SO_REUSEPORT).
//
// A handler is cancelled when its client goes away; a plain one also when it overruns the route's
// timeout by a second.
//
// 400, 405, 406, 408, 413, 414, 415, 431, 501 and 505 come from here, in the error dialect of the
// route (or OpenAI's where none matched). Every response carries x-request-id. Uncaught exceptions
// become 500 and count sluice_uncaught_total.
#pragma once

#include "common/async/request_context.h"
#include "common/async/task_group.h"
#include "common/http/message.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <functional>
#include <memory>

namespace sluice::http {

// How an error body looks on a route.
enum class Dialect { OpenAi, Anthropic, JsonRpc, Plain };

using Handler = std::function<Async<HttpResponse>(HttpRequest, RequestContext)>;
using StreamHandler = std::function<Async<void>(HttpRequest, ResponseWriter*, RequestContext)>;

struct Route {
  std::string method;
  std::string path;                // "/v1/models", "/api/mcp/client/{id}"
  std::size_t body_bytes_max = 0;  // 0: no body allowed
  Dialect dialect = Dialect::OpenAi;
  std::chrono::milliseconds timeout{30000};       // becomes the context's deadline
  std::string content_type = "application/json";  // what a body must be, else 415; "": anything
  std::vector<std::string>
      produces;  // media types of the answer, checked against Accept (406); empty: unchecked
  // One of the two. The initializers let designated ones leave either out.
  Handler handler = {};               // NOLINT(readability-redundant-member-init)
  StreamHandler stream_handler = {};  // NOLINT(readability-redundant-member-init)
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::size_t connections_max = 4096;
  std::size_t header_bytes_max = 32 << 10;
  std::size_t headers_max = 100;
  std::chrono::milliseconds header_timeout{10000
  };  // from the first byte of a request to the end of its head
  std::chrono::milliseconds body_timeout{30000};  // from the end of the head to the end of the body
  std::chrono::milliseconds idle_timeout{75000};  // between requests
  std::chrono::milliseconds write_timeout{30000};  // without any progress of a write
  std::string tls_certificate_file;                // PEM; empty: plain
  std::string tls_key_file;
  std::vector<std::string> allowed_hosts;  // empty: any
};

class Server {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    std::string service;  // for metric names: sluice_<service>_http_requests_total …
  };

  // Binds and listens. Errors: Unavailable (address in use), Invalid (bad certificate).
  [[nodiscard]] static Result<std::unique_ptr<Server>> listen(
      Deps deps, ServerOptions options, std::vector<Route> routes
  );
  virtual ~Server() = default;  // await drain() first

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Accepts until stopped. Errors: Cancelled.
  virtual Async<void> serve() = 0;
  // Stops accepting, answers "connection: close", waits for open requests until the deadline, then
  // cuts them.
  virtual Async<void> drain(TimePoint deadline) = 0;
};

}  // namespace sluice::http
