// Loopback: a server on a free port, a client and raw sockets, all on one loop. For the tests of
// this library.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/http/client.h"
#include "common/http/server.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::testing {

class Loopback {
 public:
  explicit Loopback(
      std::vector<Route> routes, ServerOptions options = {}, ClientOptions client_options = {}
  );
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;
  Loopback(Loopback&&) = delete;
  Loopback& operator=(Loopback&&) = delete;
  ~Loopback();  // drains

  // Another server in place of the first, for handlers that need this object.
  void restart(std::vector<Route> routes, ServerOptions options = {});

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(loop, std::move(operation));
  }

  // Runs the loop until the condition holds; fails the test after five seconds.
  void run_until(const std::function<bool()>& condition);
  // What is ready now.
  void poll();
  void start_drain(std::chrono::milliseconds within);

  [[nodiscard]] TimePoint now() const { return clock.now(); }

  [[nodiscard]] std::string url(std::string_view path) const;

  [[nodiscard]] std::uint16_t port() const { return server->port(); }

  [[nodiscard]] Server::Deps deps();
  // Value of the exposed line that starts with that name and labels, or -1.
  [[nodiscard]] double metric(const std::string& line_start) const;

  boost::asio::io_context loop{1};
  async::SystemClock clock{loop.get_executor()};
  std::unique_ptr<observability::Log> log;
  std::unique_ptr<observability::Metrics> metrics;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
  std::string scheme = "http";
  bool drained = false;

 private:
  void stop();
  Async<void> drain_now(std::chrono::milliseconds within);
  std::unique_ptr<async::TaskGroup> tasks_;
};

// A client that sends what it is told, byte by byte if need be.
class RawClient {
 public:
  explicit RawClient(Loopback& loopback);

  void write(std::string_view bytes);
  // Runs the loop meanwhile. What came up to and with the text.
  std::string read_until(std::string_view text);
  std::string read_to_end();
  void reset();  // RST instead of FIN
  void end_output();

 private:
  bool receive();  // false at the end

  Loopback* loopback_;
  boost::asio::ip::tcp::socket socket_;
  std::string received_;
};

// A handler that answers when the OneShot is set.
Async<HttpResponse> hold(async::OneShot<void>* release, bool* entered);

}  // namespace sluice::http::testing
