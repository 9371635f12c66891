#include "common/http/internal/connector.h"

#include "common/async/deadline.h"
#include "common/async/one_shot.h"
#include "common/http/internal/address_rules.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

#include <vector>

namespace sluice::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using Resolver = boost::asio::ip::basic_resolver<tcp, Executor>;
using Endpoints = std::vector<tcp::endpoint>;

// A lookup that goes on (getaddrinfo cannot be stopped) when its caller has left.
struct Lookup {
  explicit Lookup(const Executor& loop) : resolver(loop) {}

  Resolver resolver;
  async::OneShot<Endpoints> done;
};

Async<Endpoints> resolve(Executor loop, std::string host, std::uint16_t port) {
  error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    co_return Endpoints{tcp::endpoint(address, port)};
  }
  const auto lookup = std::make_shared<Lookup>(loop);
  lookup->resolver.async_resolve(
      host,
      std::to_string(port),
      Resolver::numeric_service,
      [lookup](error_code error, const Resolver::results_type& results) {
        if (error) {
          lookup->done.set(Error(
                               Code::Unavailable,
                               "the host name could not be resolved; nothing was sent (before the "
                               "request was sent)"
          )
                               .with_detail(error.message()));
          return;
        }
        Endpoints endpoints;
        for (const auto& entry : results) {
          endpoints.push_back(entry.endpoint());
        }
        lookup->done.set(std::move(endpoints));
      }
  );
  co_return co_await lookup->done.wait();
}

Async<Socket> connect_any(Executor loop, Endpoints endpoints) {
  error_code last;
  for (const auto& endpoint : endpoints) {
    Socket socket(loop);
    const auto [error] =
        co_await socket.async_connect(endpoint, boost::asio::as_tuple(async::kAwait));
    if (!error) {
      tune(socket);
      co_return socket;
    }
    if (co_await async::is_cancelled()) {
      co_return Error(Code::Cancelled, "connecting was cancelled");
    }
    last = error;
  }
  co_return Error(
      Code::Unavailable, "the server could not be reached (before the request was sent)"
  )
      .with_detail(last.message());
}

Async<std::unique_ptr<Stream>> connect_once(Executor loop, Destination to) {
  SLUICE_CO_TRY(Endpoints endpoints, co_await resolve(loop, to.url.host, to.url.port));
  if (to.guard != nullptr) {
    SLUICE_CO_TRY(endpoints, permitted(*to.guard, std::move(endpoints), to.url.tls));
  }
  SLUICE_CO_TRY(Socket socket, co_await connect_any(loop, std::move(endpoints)));
  if (to.tls == nullptr) {
    co_return make_tcp_stream(std::move(socket));
  }
  co_return co_await to.tls->handshake(std::move(socket), TlsSide::Client, to.url.host);
}

}  // namespace

Async<std::unique_ptr<Stream>> connect(
    async::Clock* clock, Executor loop, Destination to, TimePoint deadline
) {
  const std::string origin = to.url.origin();
  auto stream =
      co_await async::with_deadline(clock, deadline, connect_once(std::move(loop), std::move(to)));
  if (!stream.ok()) {
    co_return std::move(stream).error().while_doing("connecting to " + origin);
  }
  co_return stream;
}

}  // namespace sluice::http
