// What every Transport, and the Bus over it, must do: the suites of bus_contract_transport.h,
// bus_contract_calls.h, bus_contract_streams.h and bus_contract_durable.h. Run on the in-memory
// transport (unit) and on a real nats-server (integration).
//
// A Rig has: boost::asio::io_context& loop(); async::Clock* clock();
//            Result<std::unique_ptr<Transport>> connect(std::string service, std::string instance);
//            std::chrono::milliseconds ack_wait() (after which an unacknowledged durable message
//            comes again).
#pragma once

#include "common/async/task_group.h"
#include "common/bus/bus.h"
#include "common/bus/testing/contract_handlers.h"
#include "common/observability/metrics.h"
#include "common/observability/testing/recording_log.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bus {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;

// One process on the bus.
struct Peer {
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Bus> bus;
};

template <class Rig>
class BusContract : public ::testing::Test {
 public:
  ~BusContract() override {
    for (const auto& peer : peers_) {
      EXPECT_THAT(run(peer->bus->drain(rig_.clock()->now() + 5s)), IsOk());
    }
    for (const auto& peer : peers_) {
      peer->bus.reset();
      static_cast<void>(run(peer->transport->close()).ok());
    }
  }

 protected:
  Peer& join(const std::string& service, const std::string& instance = "one") {
    auto transport = rig_.connect(service, instance);
    SLUICE_CHECK(transport.ok(), "the rig connects");
    auto peer = std::make_unique<Peer>();
    peer->transport = std::move(transport).value();
    peer->bus = std::make_unique<Bus>(Bus::Deps{
        rig_.loop().get_executor(),
        rig_.clock(),
        &log_,
        metrics_.get(),
        peer->transport.get(),
        service,
        instance
    });
    EXPECT_THAT(run(peer->bus->start()), IsOk());
    peers_.push_back(std::move(peer));
    return *peers_.back();
  }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(rig_.loop(), std::move(operation));
  }

  // A handler that outlives the buses.
  template <class Handler>
  Handler& keep(Handler handler = Handler()) {
    auto kept = std::make_shared<Handler>(std::move(handler));
    handlers_.push_back(kept);
    return *kept;
  }

  // Lets subscriptions reach the broker and deliveries reach their sinks.
  void settle() {
    for (const auto& peer : peers_) {
      static_cast<void>(run(peer->transport->settle()).ok());
    }
  }

  void pause(Duration duration) {
    static_cast<void>(run(async::sleep_for(rig_.clock(), duration)).ok());
  }

  // Waits until it holds; false when that takes 5 s.
  bool until(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) {
        return true;
      }
      pause(5ms);
    }
    return false;
  }

  RequestContext context(Duration time = 10s) {
    RequestContext made;
    made.request = RequestId("req_1");
    made.chain = ChainId("chain-1");
    made.run = RunId("run-1");
    made.hop = 7;
    made.tenant = TenantId("default");
    made.principal = PrincipalId("key:test");
    made.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    made.caller_token = std::string("token\0bytes", 11);
    made.deadline = rig_.clock()->now() + time;
    return made;
  }

  provider::v1::EmbedRequest embed(std::string body) {
    provider::v1::EmbedRequest request;
    request.set_body(std::move(body));
    return request;
  }

  provider::v1::ChatRequest chat(int chunks) {
    provider::v1::ChatRequest request;
    request.set_body(std::to_string(chunks));
    return request;
  }

  Rig rig_;
  observability::RecordingLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  std::vector<std::shared_ptr<void>> handlers_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace sluice::bus
