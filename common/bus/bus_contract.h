// What every Transport, and the Bus over it, must do. Run on the in-memory transport (unit) and on
// a real nats-server (integration).
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
 protected:
  ~BusContract() override {
    for (const auto& peer : peers_) {
      EXPECT_THAT(run(peer->bus->drain(rig_.clock()->now() + 5s)), IsOk());
    }
    for (const auto& peer : peers_) {
      peer->bus.reset();
      static_cast<void>(run(peer->transport->close()).ok());
    }
  }

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
    made.caller_token = "token\0bytes";
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

// Acknowledges nothing.
inline Async<void> fetch_and_keep(DurableConsumer* consumer) {
  for (;;) {
    SLUICE_CO_CHECK_OK(co_await consumer->fetch(10, std::chrono::seconds(1)));
  }
}

TYPED_TEST_SUITE_P(BusContract);

TYPED_TEST_P(BusContract, EverySubscriberGetsAMessageAndOneOfEachQueueGroup) {
  Peer& publisher = this->join("ingress");
  Peer& receiver = this->join("provider-router");
  int plain = 0;
  int grouped = 0;
  auto& transport = *receiver.transport;
  const auto a = transport.subscribe("t.x", "", [&plain](const Delivery&) { ++plain; });
  const auto b = transport.subscribe("t.*", "", [&plain](const Delivery&) { ++plain; });
  const auto c = transport.subscribe("t.x", "g", [&grouped](const Delivery&) { ++grouped; });
  const auto d = transport.subscribe("t.x", "g", [&grouped](const Delivery&) { ++grouped; });
  this->settle();

  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(publisher.transport->publish("t.x", "", "bytes"), IsOk());
  }

  EXPECT_TRUE(this->until([&] { return plain == 20 && grouped == 10; })) << plain << " " << grouped;
}

TYPED_TEST_P(BusContract, BytesSubjectAndReplyArriveUnchanged) {
  Peer& publisher = this->join("ingress");
  Peer& receiver = this->join("provider-router");
  const std::string bytes = std::string("\0\r\n\xff", 4) + std::string(3 << 20, 'b');
  std::string subject;
  std::string reply;
  std::string got;
  const auto subscription = receiver.transport->subscribe("t.>", "", [&](const Delivery& delivery) {
    subject = delivery.subject;
    reply = delivery.reply;
    got = delivery.bytes;
  });
  this->settle();

  EXPECT_THAT(publisher.transport->publish("t.a.b", "_INBOX.ingress.r", bytes), IsOk());

  EXPECT_TRUE(this->until([&] { return !got.empty(); }));
  EXPECT_EQ(subject, "t.a.b");
  EXPECT_EQ(reply, "_INBOX.ingress.r");
  EXPECT_TRUE(got == bytes);
}

TYPED_TEST_P(BusContract, TheSenderIsToldWhenNobodyListens) {
  Peer& publisher = this->join("ingress");
  std::string subject;
  const auto inbox = publisher.transport->subscribe(
      "_INBOX.ingress.a.n3",
      "",
      [&subject](const Delivery& delivery) {
        EXPECT_TRUE(delivery.no_responders);
        subject = delivery.subject;
      }
  );

  EXPECT_THAT(publisher.transport->publish("t.nobody", "_INBOX.ingress.a.n3", "bytes"), IsOk());

  EXPECT_TRUE(this->until([&] { return !subject.empty(); }));
  EXPECT_EQ(subject, "_INBOX.ingress.a.n3");
}

TYPED_TEST_P(BusContract, AMessageOverTheLimitIsInvalid) {
  Peer& publisher = this->join("ingress");
  const std::string bytes(publisher.transport->payload_bytes_max() + 1, 'x');

  EXPECT_THAT(publisher.transport->publish("t.x", "", bytes), HasCode(Code::Invalid));
  EXPECT_THAT(
      this->run(publisher.bus->call(endpoints::kProviderEmbed, this->embed(bytes), this->context())
      ),
      HasCode(Code::Invalid)
  );
}

TYPED_TEST_P(BusContract, NothingIsDeliveredAfterASubscriptionWent) {
  Peer& publisher = this->join("ingress");
  Peer& receiver = this->join("provider-router");
  int first = 0;
  int second = 0;
  auto gone = receiver.transport->subscribe("t.x", "", [&first](const Delivery&) { ++first; });
  const auto kept =
      receiver.transport->subscribe("t.x", "", [&second](const Delivery&) { ++second; });
  this->settle();

  gone = Error(Code::Cancelled, "gone");
  EXPECT_THAT(publisher.transport->publish("t.x", "", "bytes"), IsOk());

  EXPECT_TRUE(this->until([&] { return second == 1; }));
  EXPECT_EQ(first, 0);
}

TYPED_TEST_P(BusContract, ACallReturnsTheReplyAndTheContextTravels) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<EchoEmbed>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();

  const auto reply = this->run(
      caller.bus->call(endpoints::kProviderEmbed, this->embed("{\"a\":1}"), this->context(3s))
  );

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().body(), "{\"a\":1}");
  const RequestContext sent = this->context(3s);
  EXPECT_EQ(handler.seen.request, sent.request);
  EXPECT_EQ(handler.seen.chain, sent.chain);
  EXPECT_EQ(handler.seen.run, sent.run);
  EXPECT_EQ(handler.seen.hop, sent.hop);
  EXPECT_EQ(handler.seen.tenant, sent.tenant);
  EXPECT_EQ(handler.seen.principal, sent.principal);
  EXPECT_EQ(handler.seen.trace_parent, sent.trace_parent);
  EXPECT_EQ(handler.seen.caller_token, sent.caller_token);
  EXPECT_LE(handler.seen.deadline, sent.deadline + 5ms);
  EXPECT_GT(handler.seen.deadline, sent.deadline - 2s);
}

TYPED_TEST_P(BusContract, AHandlersErrorArrivesAsCodeMessageAndRetryAfterWithoutItsDetail) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->keep(RefuseEmbed{Error(Code::Exhausted, "come back later")
                                             .with_detail("password=hunter2")
                                             .with_retry_after(1500ms)});
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();

  const auto reply =
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context()));

  ASSERT_THAT(reply, HasCode(Code::Exhausted));
  EXPECT_EQ(reply.error().message(), "come back later");
  EXPECT_EQ(reply.error().retry_after(), 1500ms);
  EXPECT_EQ(reply.error().to_log().find("hunter2"), std::string::npos);
}

TYPED_TEST_P(BusContract, AnUncaughtExceptionIsInternalCountedAndLogged) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<ThrowEmbed>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();

  const auto reply =
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context()));

  ASSERT_THAT(reply, HasCode(Code::Internal));
  EXPECT_EQ(reply.error().message().find("secret"), std::string::npos);
  EXPECT_NE(this->metrics_->expose().find("sluice_uncaught_total 1"), std::string::npos);
  EXPECT_TRUE(std::any_of(
      this->log_.events().begin(),
      this->log_.events().end(),
      [](const auto& event) { return event.name == "handler-threw"; }
  ));
}

TYPED_TEST_P(BusContract, ACallNobodyServesIsUnavailableAtOnce) {
  Peer& caller = this->join("ingress");
  const TimePoint start = this->rig_.clock()->now();

  const auto plain =
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context()));
  const auto idempotent = this->run(
      caller.bus->call(endpoints::kProviderModels, provider::v1::ModelsRequest(), this->context())
  );
  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1), this->context()));

  EXPECT_THAT(plain, HasCode(Code::Unavailable));
  EXPECT_THAT(idempotent, HasCode(Code::Unavailable));
  ASSERT_THAT(stream, IsOk());
  EXPECT_THAT(this->run(stream.value().next()), HasCode(Code::Unavailable));
  EXPECT_LT(this->rig_.clock()->now() - start, 2s);
}

TYPED_TEST_P(BusContract, ADeadlineEndsTheCallAndCancelsTheHandler) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->keep(SlowEmbed{this->rig_.clock()});
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();

  const auto reply =
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context(50ms)));

  EXPECT_THAT(reply, HasCode(Code::Deadline));
  EXPECT_TRUE(this->until([&] { return handler.cancelled == 1; }));
  EXPECT_TRUE(this->until([&] { return callee.bus->in_flight() == 0; }));
}

TYPED_TEST_P(BusContract, ACallWithoutTimeLeftIsNotSent) {
  Peer& caller = this->join("ingress");

  const auto reply =
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context(-1ms)));

  EXPECT_THAT(reply, HasCode(Code::Deadline));
}

TYPED_TEST_P(BusContract, ManyCallsAtOnceEachGetTheirOwnReply) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<EchoEmbed>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();
  constexpr int kCalls = 300;
  int right = 0;

  struct Asker {
    static Async<void> ask(
        Bus* bus, provider::v1::EmbedRequest request, RequestContext context, int* right
    ) {
      const std::string body = request.body();
      SLUICE_CO_TRY(
          const auto reply,
          co_await bus->call(endpoints::kProviderEmbed, std::move(request), std::move(context))
      );
      *right += reply.body() == body ? 1 : 0;
      co_return Result<void>();
    }
  };

  async::TaskGroup tasks(
      this->rig_.loop().get_executor(),
      [](std::string_view, const Error& error) { ADD_FAILURE() << error.to_log(); }
  );

  for (int i = 0; i < kCalls; ++i) {
    tasks.spawn(
        "ask",
        Asker::ask(
            caller.bus.get(), this->embed("body " + std::to_string(i)), this->context(), &right
        )
    );
  }
  EXPECT_THAT(this->run(tasks.close()), IsOk());

  EXPECT_EQ(right, kCalls);
  EXPECT_EQ(caller.bus->in_flight(), 0U);
}

TYPED_TEST_P(BusContract, TwoReplicasShareTheRequests) {
  Peer& caller = this->join("ingress");
  EchoEmbed* const handlers[] = {
      &this->template keep<EchoEmbed>(), &this->template keep<EchoEmbed>()
  };
  ASSERT_THAT(
      this->join("provider-router", "r1").bus->serve(endpoints::kProviderEmbed, *handlers[0]),
      IsOk()
  );
  ASSERT_THAT(
      this->join("provider-router", "r2").bus->serve(endpoints::kProviderEmbed, *handlers[1]),
      IsOk()
  );
  this->settle();

  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(
        this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context())),
        IsOk()
    );
  }

  EXPECT_FALSE(handlers[0]->seen.request.empty());
  EXPECT_FALSE(handlers[1]->seen.request.empty());
}

TYPED_TEST_P(BusContract, AStreamDeliversItsChunksInOrderAndThenTheFinal) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  handler.chunk_bytes = 2000;
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();
  constexpr int kChunks = 1500;  // far beyond the credit of chunks and of bytes

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(kChunks), this->context()));
  ASSERT_THAT(stream, IsOk());
  int count = 0;
  while (true) {
    const auto chunk = this->run(stream.value().next());
    ASSERT_THAT(chunk, IsOk());
    if (!chunk.value()) {
      break;
    }
    EXPECT_EQ(std::stoi(chunk.value()->events()), count);
    ++count;
  }

  EXPECT_EQ(count, kChunks);
  EXPECT_EQ(stream.value().final().status(), static_cast<std::uint32_t>(kChunks));
}

TYPED_TEST_P(BusContract, AStreamWithoutChunksHasItsFinalAlone) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(0), this->context()));
  ASSERT_THAT(stream, IsOk());
  const auto end = this->run(stream.value().next());

  ASSERT_THAT(end, IsOk());
  EXPECT_FALSE(end.value().has_value());
  EXPECT_EQ(stream.value().final().status(), 0U);
}

TYPED_TEST_P(BusContract, AReaderThatStopsStopsTheWriterAfterItsCreditOfChunks) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));

  ASSERT_TRUE(this->until([&] { return handler.written == 64; })) << handler.written;
  this->pause(50ms);
  EXPECT_EQ(handler.written, 64);
  ASSERT_THAT(this->run(stream.value().next()), IsOk());
}

TYPED_TEST_P(BusContract, AReaderThatStopsStopsTheWriterAfterItsCreditOfBytes) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  handler.chunk_bytes = 100 << 10;  // 1 MiB is used up by the eleventh
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));

  ASSERT_TRUE(this->until([&] { return handler.written == 11; })) << handler.written;
  this->pause(50ms);
  EXPECT_EQ(handler.written, 11);
  ASSERT_THAT(this->run(stream.value().next()), IsOk());
}

TYPED_TEST_P(BusContract, GivingUpAStreamCancelsItsHandler) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();
  {
    auto stream =
        this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));
    ASSERT_THAT(stream, IsOk());
    ASSERT_THAT(this->run(stream.value().next()), IsOk());
  }

  EXPECT_TRUE(this->until([&] { return handler.cancelled == 1; }));
  EXPECT_TRUE(this->until([&] { return callee.bus->in_flight() == 0; }));
}

TYPED_TEST_P(BusContract, AStreamGivenUpBeforeItOpenedIsCancelledWhenItOpens) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  handler.clock = this->rig_.clock();
  handler.pause_first = 50ms;
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();
  {
    auto stream =
        this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));
    ASSERT_THAT(stream, IsOk());
    ASSERT_TRUE(this->until([&] { return callee.bus->in_flight() == 1; }));
  }

  EXPECT_TRUE(this->until([&] { return handler.cancelled == 1; }));
  EXPECT_LE(handler.written, 64);
}

TYPED_TEST_P(BusContract, AnEventReachesEveryListenerAndNoneAfterTheyLeft) {
  Peer& publisher = this->join("policy-engine");
  Peer& first = this->join("ingress", "a");
  Peer& second = this->join("ingress", "b");
  std::vector<std::uint64_t> heard;
  const auto note = [&heard](policy::v1::PolicyBeat beat) {
    heard.push_back(beat.policy_version());
  };
  auto a =
      first.bus->listen(endpoints::kPolicyBeat, std::function<void(policy::v1::PolicyBeat)>(note));
  const auto b =
      second.bus->listen(endpoints::kPolicyBeat, std::function<void(policy::v1::PolicyBeat)>(note));
  this->settle();
  policy::v1::PolicyBeat beat;
  beat.set_policy_version(42);

  EXPECT_THAT(publisher.bus->publish(endpoints::kPolicyBeat, beat), IsOk());
  EXPECT_TRUE(this->until([&] { return heard.size() == 2; }));
  a = Error(Code::Cancelled, "gone");
  this->settle();
  EXPECT_THAT(publisher.bus->publish(endpoints::kPolicyBeat, beat), IsOk());

  EXPECT_TRUE(this->until([&] { return heard.size() == 3; }));
  EXPECT_EQ(heard, std::vector<std::uint64_t>(3, 42));
}

TYPED_TEST_P(BusContract, AKeyIsServedWhileItsRegistrationLives) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("mcp-connector");
  auto& handler = this->template keep<CatalogOfKey>();
  auto registration =
      callee.bus->serve_key(endpoints::kConnectorServerCatalog, "0123456789abcdef", handler);
  ASSERT_THAT(registration, IsOk());
  this->settle();
  const auto ask = [&](const std::string& key) {
    return this->run(caller.bus->call(
        endpoints::kConnectorServerCatalog,
        key,
        connector::v1::ServerCatalogRequest(),
        this->context()
    ));
  };

  EXPECT_THAT(ask("0123456789abcdef"), IsOk());
  EXPECT_THAT(ask("ffffffffffffffff"), HasCode(Code::Unavailable));
  registration = Error(Code::Cancelled, "lease lost");
  this->settle();
  EXPECT_THAT(ask("0123456789abcdef"), HasCode(Code::Unavailable));
}

TYPED_TEST_P(BusContract, DrainingFinishesWhatIsInFlightAndTakesNothingNew) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->keep(SlowEmbed{this->rig_.clock(), 100ms});
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();

  struct Asker {
    static Async<void> ask(Bus* bus, RequestContext context, Result<void>* out) {
      const auto reply = co_await bus->call(
          endpoints::kProviderEmbed, provider::v1::EmbedRequest(), std::move(context)
      );
      *out = reply.ok() ? Result<void>() : Result<void>(reply.error());
      co_return Result<void>();
    }
  };

  async::TaskGroup tasks(this->rig_.loop().get_executor(), {});
  Result<void> answer = Error(Code::Internal, "not answered");
  tasks.spawn("ask", Asker::ask(caller.bus.get(), this->context(), &answer));
  ASSERT_TRUE(this->until([&] { return handler.started == 1; }));

  EXPECT_THAT(this->run(callee.bus->drain(this->rig_.clock()->now() + 5s)), IsOk());
  EXPECT_THAT(this->run(tasks.close()), IsOk());

  EXPECT_THAT(answer, IsOk());
  EXPECT_EQ(handler.cancelled, 0);
  EXPECT_THAT(
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context())),
      HasCode(Code::Unavailable)
  );
}

TYPED_TEST_P(BusContract, DrainingCancelsWhatIsNotDoneAtItsDeadline) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->keep(SlowEmbed{this->rig_.clock()});
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderEmbed, handler), IsOk());
  this->settle();
  async::TaskGroup tasks(this->rig_.loop().get_executor(), {});

  struct Asker {
    static Async<void> ask(Bus* bus, RequestContext context) {
      const auto reply = co_await bus->call(
          endpoints::kProviderEmbed, provider::v1::EmbedRequest(), std::move(context)
      );
      co_return reply.ok() ? Result<void>() : Result<void>(reply.error());
    }
  };

  tasks.spawn("ask", Asker::ask(caller.bus.get(), this->context()));
  ASSERT_TRUE(this->until([&] { return handler.started == 1; }));

  EXPECT_THAT(this->run(callee.bus->drain(this->rig_.clock()->now() + 50ms)), IsOk());

  EXPECT_EQ(handler.cancelled, 1);
  EXPECT_EQ(callee.bus->in_flight(), 0U);
  EXPECT_THAT(this->run(tasks.close()), IsOk());
}

TYPED_TEST_P(BusContract, DurableMessagesAreStoredFetchedAndAcknowledgedOnce) {
  Peer& producer = this->join("ingress");
  Peer& writer = this->join("audit-writer");
  const TimePoint deadline = this->rig_.clock()->now() + 20s;
  EXPECT_THAT(
      this->run(producer.transport->publish_durable("t.durable", "early", deadline)),
      HasCode(Code::Unavailable)
  );
  auto consumer = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(consumer, IsOk());

  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(
        this->run(
            producer.transport->publish_durable("t.durable", "m" + std::to_string(i), deadline)
        ),
        IsOk()
    );
  }
  std::vector<DurableMessage> got;
  while (got.size() < 20) {
    auto some = this->run(consumer.value()->fetch(7, 2000ms));
    ASSERT_THAT(some, IsOk());
    ASSERT_FALSE(some.value().empty());
    EXPECT_LE(some.value().size(), 7U);
    for (DurableMessage& message : some.value()) {
      EXPECT_EQ(message.bytes, "m" + std::to_string(got.size()));
      EXPECT_EQ(message.stream_sequence, got.size() + 1);
      got.push_back(std::move(message));
    }
  }
  EXPECT_EQ(consumer.value()->pending(), 0U);
  got.erase(got.begin() + 5, got.end());  // the first five only
  EXPECT_THAT(this->run(consumer.value()->acknowledge(got)), IsOk());
  const auto none = this->run(consumer.value()->fetch(7, 20ms));
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none.value().empty());

  // What was not acknowledged comes again, also to a process started anew.
  consumer = Error(Code::Cancelled, "crashed");
  this->pause(this->rig_.ack_wait());
  auto again = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(again, IsOk());
  std::set<std::string> seen;
  for (int i = 0; i < 20 && seen.size() < 15; ++i) {
    auto some = this->run(again.value()->fetch(100, 1000ms));
    ASSERT_THAT(some, IsOk());
    for (const DurableMessage& message : some.value()) {
      seen.insert(message.bytes);
    }
    EXPECT_THAT(this->run(again.value()->acknowledge(some.value())), IsOk());
  }
  EXPECT_EQ(seen.size(), 15U);
  EXPECT_FALSE(seen.contains("m0"));
}

TYPED_TEST_P(BusContract, WhatAConsumerDidNotAcknowledgeComesAtOnceToTheNext) {
  Peer& writer = this->join("audit-writer");
  const TimePoint deadline = this->rig_.clock()->now() + 20s;
  auto consumer = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(consumer, IsOk());
  for (const char* bytes : {"acknowledged", "handed out", "sent"}) {
    ASSERT_THAT(this->run(writer.transport->publish_durable("t.durable", bytes, deadline)), IsOk());
  }
  for (const bool acknowledge : {true, false}) {
    const auto one = this->run(consumer.value()->fetch(1, 2000ms));
    ASSERT_THAT(one, IsOk());
    ASSERT_EQ(one.value().size(), 1U);
    if (acknowledge) {
      EXPECT_THAT(this->run(consumer.value()->acknowledge(one.value())), IsOk());
    }
  }

  const TimePoint ended = this->rig_.clock()->now();
  consumer = Error(Code::Cancelled, "terminated");
  auto next = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(next, IsOk());
  std::set<std::string> seen;
  while (seen.size() < 2 && this->rig_.clock()->now() < ended + 10s) {
    const auto some = this->run(next.value()->fetch(10, 200ms));
    ASSERT_THAT(some, IsOk());
    for (const DurableMessage& message : some.value()) {
      seen.insert(message.bytes);
    }
  }

  EXPECT_EQ(seen, (std::set<std::string>{"handed out", "sent"}));
  EXPECT_LT(this->rig_.clock()->now() - ended, std::max(this->rig_.ack_wait(), 500ms));
}

// Each round a message on its way while its reader stops, which is a race, and one behind it.
TYPED_TEST_P(BusContract, AStoppedConsumerLeavesNothingToWaitForToTheNext) {
  constexpr int kRounds = 20;
  Peer& writer = this->join("audit-writer");
  const auto store = [this, &writer](const std::string& bytes) {
    const TimePoint deadline = this->rig_.clock()->now() + 20s;
    return this->run(writer.transport->publish_durable("t.durable", bytes, deadline));
  };
  for (int round = 0; round < kRounds; ++round) {
    const std::string before = "before " + std::to_string(round);
    const std::string after = "after " + std::to_string(round);
    auto consumer = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
    ASSERT_THAT(consumer, IsOk());
    async::TaskGroup tasks(this->rig_.loop().get_executor(), [](std::string_view, const Error&) {});
    tasks.spawn("fetch", fetch_and_keep(consumer.value().get()));
    this->pause(2ms);

    ASSERT_THAT(store(before), IsOk());
    consumer.value()->stop();
    ASSERT_THAT(store(after), IsOk());
    ASSERT_THAT(this->run(tasks.cancel_and_close()), IsOk());
    consumer = Error(Code::Cancelled, "terminated");
    auto next = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
    ASSERT_THAT(next, IsOk());
    std::set<std::string> seen;
    const TimePoint until = this->rig_.clock()->now() + 500ms;
    while (seen.size() < 2 && this->rig_.clock()->now() < until) {
      const auto some = this->run(next.value()->fetch(10, 100ms));
      ASSERT_THAT(some, IsOk());
      for (const DurableMessage& message : some.value()) {
        seen.insert(message.bytes);
      }
      EXPECT_THAT(this->run(next.value()->acknowledge(some.value())), IsOk());
    }

    ASSERT_EQ(seen, (std::set<std::string>{before, after})) << round;
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    BusContract,
    EverySubscriberGetsAMessageAndOneOfEachQueueGroup,
    BytesSubjectAndReplyArriveUnchanged,
    TheSenderIsToldWhenNobodyListens,
    AMessageOverTheLimitIsInvalid,
    NothingIsDeliveredAfterASubscriptionWent,
    ACallReturnsTheReplyAndTheContextTravels,
    AHandlersErrorArrivesAsCodeMessageAndRetryAfterWithoutItsDetail,
    AnUncaughtExceptionIsInternalCountedAndLogged,
    ACallNobodyServesIsUnavailableAtOnce,
    ADeadlineEndsTheCallAndCancelsTheHandler,
    ACallWithoutTimeLeftIsNotSent,
    ManyCallsAtOnceEachGetTheirOwnReply,
    TwoReplicasShareTheRequests,
    AStreamDeliversItsChunksInOrderAndThenTheFinal,
    AStreamWithoutChunksHasItsFinalAlone,
    AReaderThatStopsStopsTheWriterAfterItsCreditOfChunks,
    AReaderThatStopsStopsTheWriterAfterItsCreditOfBytes,
    GivingUpAStreamCancelsItsHandler,
    AStreamGivenUpBeforeItOpenedIsCancelledWhenItOpens,
    AnEventReachesEveryListenerAndNoneAfterTheyLeft,
    AKeyIsServedWhileItsRegistrationLives,
    DrainingFinishesWhatIsInFlightAndTakesNothingNew,
    DrainingCancelsWhatIsNotDoneAtItsDeadline,
    DurableMessagesAreStoredFetchedAndAcknowledgedOnce,
    WhatAConsumerDidNotAcknowledgeComesAtOnceToTheNext,
    AStoppedConsumerLeavesNothingToWaitForToTheNext
);

}  // namespace sluice::bus
