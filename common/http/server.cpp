#include "common/http/server.h"

#include "common/async/deadline.h"
#include "common/http/error_map.h"
#include "common/http/internal/server_connection.h"
#include "common/http/internal/server_shared.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <list>

#include <sys/socket.h>

namespace sluice::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using Acceptor = boost::asio::basic_socket_acceptor<tcp, Executor>;
using ReusePort = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// After a failed accept (no file descriptors left) before the next try.
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: "
    "close\r\n\r\n";

class AsioServer final : public Server {
 public:
  AsioServer(Deps deps, ServerOptions options, std::vector<Route> routes)
      : shared_(
            deps,
            std::move(options),
            std::move(routes),
            [this](TimePoint now) { return sweep(now); }
        ),
        acceptor_(shared_.executor),
        tasks_(deps.executor, [log = deps.log](std::string_view, const Error& error) {
          log->debug("http-connection-failed", {{"error", error.to_log()}});
        }) {}

  Result<void> open() {
    const ServerOptions& options = shared_.options;
    if (!options.tls_certificate_file.empty()) {
      SLUICE_TRY(
          shared_.tls, TlsContext::server(options.tls_certificate_file, options.tls_key_file)
      );
    }
    error_code error;
    const auto address = boost::asio::ip::make_address(options.address, error);
    if (error) {
      return Error(Code::Invalid, "the listen address must be an IP address")
          .with_detail(options.address);
    }
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) {
      acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    }
    if (!error) {
      acceptor_.set_option(ReusePort(true), error);
    }
    if (!error) {
      acceptor_.bind(endpoint, error);
    }
    if (!error) {
      acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
    }
    if (error) {
      return Error(
                 Code::Unavailable,
                 "cannot listen on the configured address and port; choose another"
      )
          .with_detail(
              options.address + ":" + std::to_string(options.port) + ": " + error.message()
          );
    }
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }

  Async<void> serve() override {
    while (acceptor_.is_open()) {
      auto [error, socket] = co_await acceptor_.async_accept(boost::asio::as_tuple(async::kAwait));
      if (!error) {
        take(std::move(socket));
        continue;
      }
      if (co_await async::is_cancelled()) {
        co_return Error(Code::Cancelled, "the server was stopped");
      }
      if (shared_.draining || !acceptor_.is_open()) {
        break;
      }
      shared_.log->warn("http-accept-failed", {{"error", error.message()}});
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(shared_.clock, kAcceptPause));
    }
    co_return Result<void>();
  }

  Async<void> drain(TimePoint deadline) override {
    shared_.draining = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connection : connections_) {
      connection->drain();
    }
    const auto closed = co_await async::with_deadline(shared_.clock, deadline, tasks_.close());
    if (!closed.ok()) {
      shared_.log->warn("http-drain-cut", {{"connections", connections_.size()}});
      SLUICE_CO_CHECK_OK(co_await tasks_.cancel_and_close());
    }
    co_return Result<void>();
  }

 private:
  void take(Socket socket) {
    tune(socket);
    if (connections_.size() >= shared_.options.connections_max) {
      error_code ignored;
      socket.write_some(boost::asio::buffer(kFull), ignored);
      return;
    }
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) {
      return;  // gone already
    }
    auto connection = std::make_shared<ServerConnection>(&shared_, remote.address().to_string());
    connections_.push_front(std::move(connection));
    tasks_.spawn("http-connection", run(connections_.begin(), std::move(socket)));
  }

  Async<void> run(std::list<std::shared_ptr<ServerConnection>>::iterator place, Socket socket) {
    shared_.metrics.connections().add(1);
    const auto ended = co_await (*place)->run(std::move(socket));
    shared_.metrics.connections().add(-1);
    connections_.erase(place);
    co_return ended;
  }

  TimePoint sweep(TimePoint now) {
    TimePoint next = TimePoint::max();
    for (const auto& connection : connections_) {
      if (connection->deadline() <= now) {
        connection->expire(now);
      }
      next = std::min(next, connection->deadline());
    }
    return next;
  }

  ServerShared shared_;
  Acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::list<std::shared_ptr<ServerConnection>> connections_;
  async::TaskGroup tasks_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(
    Deps deps, ServerOptions options, std::vector<Route> routes
) {
  auto server =
      std::make_unique<AsioServer>(std::move(deps), std::move(options), std::move(routes));
  SLUICE_CHECK_OK(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace sluice::http
