// What the NATS transport does when the network or the server fails under it.
#include "tests/integration/bus_nats_rig.h"
#include "tests/support/tcp_gate.h"

#include "common/async/task_group.h"
#include "common/bus/bus.h"
#include "common/bus/bus_contract.h"
#include "common/observability/testing/recording_log.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::bus {
namespace {

class BusReconnect : public ::testing::Test {
 protected:
  ~BusReconnect() override {
    for (const auto& peer : peers_) {
      static_cast<void>(run(peer->bus->drain(rig_.clock()->now() + 1s)).ok());
      peer->bus.reset();
      static_cast<void>(run(peer->transport->close()).ok());
    }
  }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(rig_.loop(), std::move(operation));
  }

  void pause(Duration duration) {
    static_cast<void>(run(async::sleep_for(rig_.clock(), duration)).ok());
  }

  bool until(const std::function<bool()>& holds, int tries = 2000) {
    for (int i = 0; i < tries; ++i) {
      if (holds()) {
        return true;
      }
      pause(5ms);
    }
    return false;
  }

  // Through the gate.
  Peer& join(const std::string& service, const std::string& instance = "one") {
    NatsOptions options;
    options.url = "nats://127.0.0.1:" + std::to_string(gate_.port());
    options.name = service + "/" + instance;
    options.ack_wait = 1000ms;
    options.stream_bytes_max = std::int64_t{64} << 20;
    auto transport =
        run(connect_nats(rig_.loop().get_executor(), rig_.clock(), &log_, std::move(options)));
    SLUICE_CHECK(transport.ok(), "connects through the gate");
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

  RequestContext context(Duration time = 10s) {
    RequestContext made;
    made.deadline = rig_.clock()->now() + time;
    return made;
  }

  Result<provider::v1::EmbedReply> embed(Peer& caller, Duration time = 10s) {
    provider::v1::EmbedRequest request;
    request.set_body("again");
    return run(caller.bus->call(endpoints::kProviderEmbed, std::move(request), context(time)));
  }

  bool all_connected() {
    return std::all_of(peers_.begin(), peers_.end(), [](const auto& peer) {
      return peer->bus->connected();
    });
  }

  // Both sides are back and the callee's subscription is known.
  bool works_again(Peer& caller) {
    return until([&] { return all_connected() && embed(caller, 500ms).ok(); }, 400);
  }

  tests::NatsRig rig_;
  tests::TcpGate gate_{rig_.server().port()};
  observability::RecordingLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  EchoEmbed echo_;
  SlowEmbed slow_{rig_.clock()};
  CountingChat chat_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

TEST_F(BusReconnect, AfterACutBothSidesComeBackWithTheirSubscriptionsManyTimes) {
  Peer& caller = join("ingress");
  Peer& callee = join("provider-router");
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, echo_), IsOk());
  ASSERT_TRUE(works_again(caller));

  for (int round = 0; round < 15; ++round) {
    gate_.cut();
    ASSERT_TRUE(works_again(caller)) << "round " << round;
    ASSERT_THAT(embed(caller), IsOk());
  }

  EXPECT_GE(gate_.accepted(), 32U);
}

TEST_F(BusReconnect, CallsUnderWayEndWithUnavailableAtOnceWhenTheConnectionIsCut) {
  Peer& caller = join("ingress");
  Peer& callee = join("provider-router");
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, slow_), IsOk());
  pause(50ms);

  struct Asker {
    static Async<void> ask(Bus* bus, RequestContext context, Code* code) {
      const auto reply = co_await bus->call(
          endpoints::kProviderEmbed, provider::v1::EmbedRequest(), std::move(context)
      );
      *code = reply.ok() ? Code::Internal : reply.error().code();
      co_return Result<void>();
    }
  };

  async::TaskGroup tasks(rig_.loop().get_executor(), {});
  Code code = Code::Internal;
  tasks.spawn("ask", Asker::ask(caller.bus.get(), context(60s), &code));
  ASSERT_TRUE(until([&] { return slow_.started == 1; }));
  const TimePoint cut = rig_.clock()->now();

  gate_.refuse(true);
  gate_.cut();
  EXPECT_THAT(run(tasks.close()), IsOk());

  EXPECT_EQ(code, Code::Unavailable);
  EXPECT_LT(rig_.clock()->now() - cut, 2s);
  EXPECT_FALSE(caller.bus->connected());
  const TimePoint before = rig_.clock()->now();
  EXPECT_THAT(embed(caller), HasCode(Code::Unavailable));
  EXPECT_LT(rig_.clock()->now() - before, 1s);
  gate_.refuse(false);
}

TEST_F(BusReconnect, AStreamOverACutConnectionIsUnavailableAndNeverResumed) {
  Peer& caller = join("ingress");
  Peer& callee = join("provider-router");
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, chat_), IsOk());
  pause(50ms);
  provider::v1::ChatRequest request;
  request.set_body("100000");
  auto stream = run(caller.bus->open(endpoints::kProviderChat, std::move(request), context(60s)));
  ASSERT_THAT(stream, IsOk());
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(run(stream.value().next()), IsOk());
  }

  gate_.cut();
  Result<std::optional<provider::v1::ChatChunk>> chunk = run(stream.value().next());
  for (int i = 0; i < 1000 && chunk.ok(); ++i) {
    ASSERT_TRUE(chunk.value().has_value());
    chunk = run(stream.value().next());
  }

  EXPECT_THAT(chunk, HasCode(Code::Unavailable));
  EXPECT_TRUE(until([&] { return callee.bus->in_flight() == 0; }, 3000))
      << "the callee notices, too";
}

TEST_F(BusReconnect, AStalledConnectionMakesAStreamUnavailableAfterThreeSeconds) {
  Peer& caller = join("ingress");
  Peer& callee = join("provider-router");
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, chat_), IsOk());
  pause(50ms);
  provider::v1::ChatRequest request;
  request.set_body("100000");
  auto stream = run(caller.bus->open(endpoints::kProviderChat, std::move(request), context(60s)));
  ASSERT_THAT(stream, IsOk());
  ASSERT_THAT(run(stream.value().next()), IsOk());

  gate_.stall(true);
  const TimePoint stalled = rig_.clock()->now();
  Result<std::optional<provider::v1::ChatChunk>> chunk = run(stream.value().next());
  while (chunk.ok()) {
    chunk = run(stream.value().next());
  }
  const Duration waited = rig_.clock()->now() - stalled;
  gate_.stall(false);

  EXPECT_THAT(chunk, HasCode(Code::Unavailable));
  EXPECT_GT(waited, 2s);
  EXPECT_LT(waited, 5s);
}

TEST_F(BusReconnect, AServerKilledAndStartedAgainIsFoundAgainAndTheStreamIsStillThere) {
  Peer& caller = join("ingress");
  Peer& callee = join("provider-router");
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, echo_), IsOk());
  auto consumer = run(callee.transport->consume("KEPT", "t.kept", "reader"));
  ASSERT_THAT(consumer, IsOk());
  ASSERT_THAT(
      run(caller.transport->publish_durable("t.kept", "before", rig_.clock()->now() + 5s)), IsOk()
  );

  ASSERT_THAT(rig_.server().stop(SIGKILL), IsOk());
  ASSERT_TRUE(until([&] { return !caller.bus->connected(); }));
  EXPECT_THAT(
      run(caller.transport->publish_durable("t.kept", "lost", rig_.clock()->now() + 1s)),
      HasCode(Code::Unavailable)
  );
  ASSERT_THAT(rig_.server().start_again(), IsOk());
  ASSERT_TRUE(works_again(caller));
  ASSERT_TRUE(until([&] {
    return run(caller.transport->publish_durable("t.kept", "after", rig_.clock()->now() + 1s)).ok();
  }));

  std::vector<std::string> got;
  for (int i = 0; i < 20 && got.size() < 2; ++i) {
    auto messages = run(consumer.value()->fetch(10, 500ms));
    if (messages.ok()) {
      for (const DurableMessage& message : messages.value()) {
        got.push_back(message.bytes);
      }
      EXPECT_THAT(run(consumer.value()->acknowledge(std::move(messages).value())), IsOk());
    } else {
      pause(100ms);
    }
  }
  EXPECT_EQ(got, (std::vector<std::string>{"before", "after"}));
}

TEST_F(BusReconnect, NothingPublishedWhileDisconnectedArrivesLater) {
  Peer& caller = join("ingress");
  Peer& callee = join("provider-router");
  int heard = 0;
  const auto subscription =
      callee.transport->subscribe("t.late", "", [&heard](const Delivery&) { ++heard; });
  pause(50ms);
  gate_.refuse(true);
  gate_.cut();
  ASSERT_TRUE(until([&] { return !caller.bus->connected() && !callee.bus->connected(); }));

  EXPECT_THAT(caller.transport->publish("t.late", "", "late"), HasCode(Code::Unavailable));
  gate_.refuse(false);
  ASSERT_TRUE(until([&] { return all_connected(); }));
  ASSERT_TRUE(until([&] {
    static_cast<void>(caller.transport->publish("t.late", "", "in time").ok());
    return heard > 0;
  }));
}

TEST_F(BusReconnect, AServerThatIsNotThereIsUnavailableWithinTheTimeout) {
  NatsOptions options;
  options.url = "nats://127.0.0.1:" + std::to_string(gate_.port());
  options.name = "ingress/x";
  options.connect_timeout = 500ms;
  gate_.refuse(true);
  const TimePoint start = rig_.clock()->now();

  const auto transport =
      run(connect_nats(rig_.loop().get_executor(), rig_.clock(), &log_, std::move(options)));

  EXPECT_THAT(transport, HasCode(Code::Unavailable));
  EXPECT_LT(rig_.clock()->now() - start, 5s);
  gate_.refuse(false);
}

TEST_F(BusReconnect, TheOutputIsBoundedWhenTheServerTakesNothing) {
  Peer& caller = join("ingress");
  gate_.stall(true);
  const std::string bytes(1 << 20, 'x');
  Result<void> sent;
  int accepted = 0;

  while (sent.ok() && accepted < 100) {
    sent = caller.transport->publish("t.bulk", "", bytes);
    accepted += sent.ok() ? 1 : 0;
    pause(1ms);
  }

  EXPECT_THAT(sent, HasCode(Code::Exhausted));
  EXPECT_GE(accepted, 15);
  gate_.stall(false);
}

}  // namespace
}  // namespace sluice::bus
