// The bus on a real nats-server, for the suites of common/bus/bus_contract.h.
#pragma once

#include "tests/support/nats_server.h"

#include "common/async/clock.h"
#include "common/bus/nats_bus.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace sluice::tests {

class NatsRig {
 public:
  NatsRig() : server_(NatsServer::start()) {
    SLUICE_CHECK(server_.ok(), "nats-server starts: set SLUICE_NATS_SERVER or run ./dev setup");
  }

  boost::asio::io_context& loop() { return loop_; }

  async::Clock* clock() { return &clock_; }

  NatsServer& server() { return *server_.value(); }

  Result<std::unique_ptr<bus::Transport>> connect(
      const std::string& service, const std::string& instance
  ) {
    bus::NatsOptions options;
    options.url = server().url();
    options.name = service + "/" + instance;
    options.ack_wait = ack_wait();
    options.stream_bytes_max = std::int64_t{64} << 20;
    return testing::run_sync(
        loop_, bus::connect_nats(loop_.get_executor(), &clock_, nullptr, std::move(options))
    );
  }

  std::chrono::milliseconds ack_wait() { return std::chrono::milliseconds(1000); }

 private:
  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  Result<std::unique_ptr<NatsServer>> server_;
};

}  // namespace sluice::tests
