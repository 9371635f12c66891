// The part of the bus contract (bus_contract.h): calls, events and keys, and what draining leaves
// of them.
#pragma once

#include "common/bus/bus_contract.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bus {

template <class Rig>
class CallContract : public BusContract<Rig> {};

TYPED_TEST_SUITE_P(CallContract);

TYPED_TEST_P(CallContract, ACallReturnsTheReplyAndTheContextTravels) {
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

TYPED_TEST_P(CallContract, AHandlersErrorArrivesAsCodeMessageAndRetryAfterWithoutItsDetail) {
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

TYPED_TEST_P(CallContract, AnUncaughtExceptionIsInternalCountedAndLogged) {
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

TYPED_TEST_P(CallContract, ACallNobodyServesIsUnavailableAtOnce) {
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

TYPED_TEST_P(CallContract, ADeadlineEndsTheCallAndCancelsTheHandler) {
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

TYPED_TEST_P(CallContract, ACallWithoutTimeLeftIsNotSent) {
  Peer& caller = this->join("ingress");

  const auto reply =
      this->run(caller.bus->call(endpoints::kProviderEmbed, this->embed("x"), this->context(-1ms)));

  EXPECT_THAT(reply, HasCode(Code::Deadline));
}

TYPED_TEST_P(CallContract, ManyCallsAtOnceEachGetTheirOwnReply) {
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

TYPED_TEST_P(CallContract, TwoReplicasShareTheRequests) {
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

TYPED_TEST_P(CallContract, AnEventReachesEveryListenerAndNoneAfterTheyLeft) {
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

TYPED_TEST_P(CallContract, AKeyIsServedWhileItsRegistrationLives) {
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

TYPED_TEST_P(CallContract, DrainingFinishesWhatIsInFlightAndTakesNothingNew) {
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

TYPED_TEST_P(CallContract, DrainingCancelsWhatIsNotDoneAtItsDeadline) {
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

REGISTER_TYPED_TEST_SUITE_P(
    CallContract,
    ACallReturnsTheReplyAndTheContextTravels,
    AHandlersErrorArrivesAsCodeMessageAndRetryAfterWithoutItsDetail,
    AnUncaughtExceptionIsInternalCountedAndLogged,
    ACallNobodyServesIsUnavailableAtOnce,
    ADeadlineEndsTheCallAndCancelsTheHandler,
    ACallWithoutTimeLeftIsNotSent,
    ManyCallsAtOnceEachGetTheirOwnReply,
    TwoReplicasShareTheRequests,
    AnEventReachesEveryListenerAndNoneAfterTheyLeft,
    AKeyIsServedWhileItsRegistrationLives,
    DrainingFinishesWhatIsInFlightAndTakesNothingNew,
    DrainingCancelsWhatIsNotDoneAtItsDeadline
);

}  // namespace sluice::bus
