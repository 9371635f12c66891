// HTTP/1.1 client: keep-alive pool per origin (LIFO), TLS with verification, streamed bodies. No
// redirects, no cookies, no proxies from the environment.
//
// Requests to MCP servers carry an AddressGuard. Those to providers and to the NATS monitor do not:
// their URLs come from the operator's configuration file alone, and where private networks are
// common.
#pragma once

#include "common/async/request_context.h"
#include "common/http/address_guard.h"
#include "common/http/message.h"

#include <functional>
#include <memory>

namespace sluice::http {

struct ClientOptions {
  std::size_t connections_per_origin_max = 256;
  std::size_t idle_per_origin_max = 64;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{60000};
  std::size_t response_bytes_max = std::size_t{32} << 20;
  std::size_t header_bytes_max = 64 << 10;
  std::string ca_file;  // empty: the system's
};

struct ClientRequest {
  std::string method = "POST";
  std::string url;  // http:// or https://
  Headers headers;  // Host, Content-Length and Connection are set by the client
  std::string body;
  TimePoint deadline;  // of the whole exchange
  // True: sent once more when a reused connection turns out closed before the first byte of a
  // response. False: only when nothing of it can have left.
  bool idempotent = false;
  // Checked against every address of the host when a connection is made; the connection goes to one
  // that passed. Connections are reused only under a guard that permits the same. Null: any
  // address.
  std::shared_ptr<const AddressGuard> guard;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// A response whose body arrives in pieces.
class BodyStream {
 public:
  virtual ~BodyStream() = default;  // closes the connection unless the body was read to its end
  [[nodiscard]] virtual int status() const = 0;
  [[nodiscard]] virtual const Headers& headers() const = 0;
  // What one read brought, transfer coding removed; "" at the end. Errors: Unavailable (cut off),
  // Deadline, Cancelled.
  virtual Async<std::string> read() = 0;
};

// Errors: Invalid (bad URL), Unavailable (cannot connect, TLS, cut off, malformed response;
// the detail says which; Error::message() says "before" or "after the request was sent"), Deadline,
// Cancelled, Exhausted (too many connections or bytes), Denied (the guard permits no address of the
// host).
class Client {
 public:
  [[nodiscard]] static std::unique_ptr<Client> make(
      Executor executor, async::Clock* clock, ClientOptions options
  );
  virtual ~Client() = default;

  virtual Async<ClientResponse> fetch(ClientRequest request) = 0;
  virtual Async<std::unique_ptr<BodyStream>> open(ClientRequest request) = 0;
  // Sends nothing: connects, and keeps the connection for the next request with the same origin and
  // guard. Says early that a server cannot be reached.
  virtual Async<void> connect(ClientRequest request) = 0;
  [[nodiscard]] virtual std::size_t open_connections() const = 0;
};

}  // namespace sluice::http
