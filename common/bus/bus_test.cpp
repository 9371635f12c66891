// The bus under faults, in virtual time: lost, doubled and reordered frames, silence, forged
// replies, limits.
#include "common/bus/bus.h"

#include "common/async/task_group.h"
#include "common/bus/envelope.h"
#include "common/bus/limits.h"
#include "common/bus/testing/in_memory_bus.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sluice::bus {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;

// Answers when the test says so.
struct GatedEmbed {
  std::vector<async::OneShot<void>*> waiting;
  int calls = 0;
  int cancelled = 0;
  std::size_t answer_bytes = 0;

  Async<provider::v1::EmbedReply> operator()(
      provider::v1::EmbedRequest /*request*/, RequestContext /*context*/
  ) {
    ++calls;
    async::OneShot<void> gate;
    waiting.push_back(&gate);
    const auto opened = co_await gate.wait();
    std::erase(waiting, &gate);
    if (!opened.ok()) {
      ++cancelled;
      co_return opened.error();
    }
    provider::v1::EmbedReply reply;
    reply.set_body(std::string(answer_bytes, 'x'));
    co_return reply;
  }

  void open() {
    for (auto* gate : std::exchange(waiting, {})) {
      gate->set({});
    }
  }
};

struct CountingModels {
  int calls = 0;
  int fail_first = 0;

  Async<provider::v1::ModelsReply> operator()(
      provider::v1::ModelsRequest /*request*/, RequestContext /*context*/
  ) {
    if (++calls <= fail_first) {
      co_return Error(Code::Unavailable, "not yet");
    }
    co_return provider::v1::ModelsReply();
  }
};

// Writes what the test pushes; ends when it is told to.
struct ScriptedChat {
  ChunkWriter<provider::v1::ChatChunk>* writer = nullptr;
  async::OneShot<void>* end = nullptr;
  int started = 0;
  int ended = 0;
  int cancelled = 0;
  std::vector<std::string> chunks;
  std::optional<Error> write_error;

  Async<provider::v1::ChatFinal> operator()(
      provider::v1::ChatRequest /*request*/,
      ChunkWriter<provider::v1::ChatChunk>* out,
      RequestContext /*context*/
  ) {
    ++started;
    for (const std::string& text : chunks) {
      provider::v1::ChatChunk chunk;
      chunk.set_events(text);
      const auto sent = co_await out->write(std::move(chunk));
      if (!sent.ok()) {
        write_error = sent.error();
        cancelled += sent.error().code() == Code::Cancelled ? 1 : 0;
        co_return sent.error();
      }
    }
    async::OneShot<void> gate;
    end = &gate;
    const auto opened = co_await gate.wait();
    end = nullptr;
    ++ended;
    if (!opened.ok()) {
      ++cancelled;
      co_return opened.error();
    }
    co_return provider::v1::ChatFinal();
  }

  void finish() {
    if (end != nullptr) {
      end->set({});
    }
  }
};

using ChatStream = Stream<provider::v1::ChatChunk, provider::v1::ChatFinal>;

// What a caller's task saw of a stream.
struct Reading {
  int chunks = 0;
  std::optional<Error> error;
  bool done = false;
};

Async<void> read_all(Bus* bus, RequestContext context, Reading* reading) {
  auto stream =
      co_await bus->open(endpoints::kProviderChat, provider::v1::ChatRequest(), std::move(context));
  while (stream.ok()) {
    auto chunk = co_await stream.value().next();
    if (!chunk.ok()) {
      reading->error = chunk.error();
      break;
    }
    if (!chunk.value()) {
      break;
    }
    ++reading->chunks;
  }
  if (!stream.ok()) {
    reading->error = stream.error();
  }
  reading->done = true;
  co_return Result<void>();
}

struct Answer {
  std::optional<Result<void>> result;
};

Async<void> ask_embed(Bus* bus, std::string body, RequestContext context, Answer* answer) {
  provider::v1::EmbedRequest request;
  request.set_body(std::move(body));
  const auto reply =
      co_await bus->call(endpoints::kProviderEmbed, std::move(request), std::move(context));
  answer->result = reply.ok() ? Result<void>() : Result<void>(reply.error());
  co_return Result<void>();
}

Async<void> ask_models(Bus* bus, RequestContext context, Answer* answer) {
  const auto reply = co_await bus->call(
      endpoints::kProviderModels, provider::v1::ModelsRequest(), std::move(context)
  );
  answer->result = reply.ok() ? Result<void>() : Result<void>(reply.error());
  co_return Result<void>();
}

class BusTest : public ::testing::Test {
 protected:
  BusTest() : tasks_(executor(), {}) {
    caller_transport_ = std::make_unique<InMemoryTransport>(executor(), &broker_);
    callee_transport_ = std::make_unique<InMemoryTransport>(executor(), &broker_);
    caller_ = make_bus("ingress", "i1", caller_transport_.get());
    callee_ = make_bus("provider-router", "r1", callee_transport_.get());
    tasks_.spawn("start", caller_->start());
    tasks_.spawn("start", callee_->start());
    poll();
  }

  ~BusTest() override {
    tasks_.cancel();
    embed_.open();
    chat_.finish();
    poll();
    async::TaskGroup draining(executor(), {});
    draining.spawn("drain", caller_->drain(clock_.now()));
    draining.spawn("drain", callee_->drain(clock_.now()));
    poll();
    clock_.advance(10ms);
    poll();
    EXPECT_EQ(draining.size(), 0U);
    EXPECT_EQ(tasks_.size(), 0U);
  }

  Executor executor() { return loop_.get_executor(); }

  std::unique_ptr<Bus> make_bus(
      const std::string& service, const std::string& instance, Transport* transport
  ) {
    return std::make_unique<Bus>(
        Bus::Deps{executor(), &clock_, nullptr, metrics_.get(), transport, service, instance}
    );
  }

  // Runs everything that can run now.
  void poll() {
    loop_.restart();
    while (loop_.poll() > 0) {
    }
  }

  void advance(Duration by) {
    for (Duration step = 50ms; by > Duration::zero(); by -= step) {
      clock_.advance(std::min(step, by));
      poll();
    }
  }

  RequestContext context(Duration time = 100s) {
    RequestContext made;
    made.deadline = clock_.now() + time;
    return made;
  }

  void serve_all() {
    EXPECT_THAT(callee_->serve(endpoints::kProviderEmbed, embed_), IsOk());
    EXPECT_THAT(callee_->serve(endpoints::kProviderModels, models_), IsOk());
    EXPECT_THAT(callee_->serve(endpoints::kProviderChat, chat_), IsOk());
    poll();
  }

  void start_reading(Reading* reading) {
    tasks_.spawn("read", read_all(caller_.get(), context(), reading));
    poll();
  }

  static common::v1::Kind kind_of(const InMemoryBroker::Packet& packet) {
    const auto frame = parse_frame(packet.bytes);
    return frame.ok() ? frame.value().envelope.kind() : common::v1::KIND_UNSPECIFIED;
  }

  // Gives the nth frame (from 0) of that kind this fate.
  void fate(common::v1::Kind kind, int nth, InMemoryBroker::Fate fate) {
    broker_.judge_by([kind, nth, fate, seen = 0](const InMemoryBroker::Packet& packet) mutable {
      return kind_of(packet) == kind && seen++ == nth ? fate : InMemoryBroker::Fate::Deliver;
    });
  }

  boost::asio::io_context loop_{1};
  sluice::testing::ManualClock clock_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  InMemoryBroker broker_;
  GatedEmbed embed_;
  CountingModels models_;
  ScriptedChat chat_;
  async::TaskGroup tasks_;
  std::unique_ptr<InMemoryTransport> caller_transport_;
  std::unique_ptr<InMemoryTransport> callee_transport_;
  std::unique_ptr<Bus> caller_;
  std::unique_ptr<Bus> callee_;
};

TEST_F(BusTest, AStreamWithoutChunksAndACallCostTwoMessagesEach) {
  serve_all();
  Reading reading;
  start_reading(&reading);
  chat_.finish();
  poll();
  EXPECT_TRUE(reading.done);
  EXPECT_EQ(broker_.published(), 2U);

  Answer answer;
  tasks_.spawn("ask", ask_models(caller_.get(), context(), &answer));
  poll();
  EXPECT_TRUE(answer.result && answer.result->ok());
  EXPECT_EQ(broker_.published(), 4U);
}

TEST_F(BusTest, ALostChunkIsUnavailableAndCancelsTheHandler) {
  chat_.chunks = {"a", "b", "c"};
  serve_all();
  fate(common::v1::KIND_CHUNK, 1, InMemoryBroker::Fate::Drop);
  Reading reading;

  start_reading(&reading);

  ASSERT_TRUE(reading.done && reading.error);
  EXPECT_EQ(reading.error->code(), Code::Unavailable);
  EXPECT_EQ(reading.chunks, 1);
  EXPECT_EQ(chat_.cancelled, 1);
}

TEST_F(BusTest, ALostLastChunkShowsAtTheFinal) {
  chat_.chunks = {"a", "b"};
  serve_all();
  fate(common::v1::KIND_CHUNK, 1, InMemoryBroker::Fate::Drop);
  Reading reading;
  start_reading(&reading);

  chat_.finish();
  poll();

  ASSERT_TRUE(reading.done && reading.error);
  EXPECT_EQ(reading.error->code(), Code::Unavailable);
}

TEST_F(BusTest, ADoubledChunkIsReadOnce) {
  chat_.chunks = {"a", "b", "c"};
  serve_all();
  fate(common::v1::KIND_CHUNK, 1, InMemoryBroker::Fate::Duplicate);
  Reading reading;
  start_reading(&reading);

  chat_.finish();
  poll();

  EXPECT_TRUE(reading.done && !reading.error);
  EXPECT_EQ(reading.chunks, 3);
}

TEST_F(BusTest, ReorderedChunksAreUnavailable) {
  chat_.chunks = {"a", "b"};
  serve_all();
  broker_.judge_by([](const InMemoryBroker::Packet& packet) {
    return kind_of(packet) == common::v1::KIND_CHUNK ? InMemoryBroker::Fate::Hold
                                                     : InMemoryBroker::Fate::Deliver;
  });
  Reading reading;
  start_reading(&reading);

  broker_.release_held_reversed();
  poll();

  ASSERT_TRUE(reading.done && reading.error);
  EXPECT_EQ(reading.error->code(), Code::Unavailable);
}

TEST_F(BusTest, AnIdleStreamLivesOnHeartbeats) {
  chat_.chunks = {"a"};
  serve_all();
  Reading reading;
  start_reading(&reading);

  advance(60s);
  EXPECT_FALSE(reading.done);
  chat_.finish();
  poll();

  EXPECT_TRUE(reading.done && !reading.error);
}

TEST_F(BusTest, AStreamWhoseFirstChunkTakesLongLivesToo) {
  serve_all();
  Reading reading;
  start_reading(&reading);

  advance(60s);
  EXPECT_FALSE(reading.done);
  chat_.finish();
  poll();

  EXPECT_TRUE(reading.done && !reading.error);
}

TEST_F(BusTest, ThreeSecondsOfSilenceAreUnavailable) {
  chat_.chunks = {"a"};
  serve_all();
  Reading reading;
  start_reading(&reading);
  callee_transport_->set_connected(false);  // as if it had died

  advance(2900ms);
  EXPECT_FALSE(reading.done);
  advance(200ms);

  ASSERT_TRUE(reading.done && reading.error);
  EXPECT_EQ(reading.error->code(), Code::Unavailable);
}

TEST_F(BusTest, ADeadCallersHandlerIsCancelled) {
  chat_.chunks = {"a"};
  serve_all();
  Reading reading;
  start_reading(&reading);
  caller_transport_->set_connected(false);

  advance(5s);
  EXPECT_EQ(chat_.cancelled, 0);
  advance(4s);

  EXPECT_EQ(chat_.cancelled, 1);
  EXPECT_EQ(callee_->in_flight(), 0U);
}

TEST_F(BusTest, ALostConnectionEndsCallsAndStreamsWithUnavailable) {
  serve_all();
  Reading reading;
  Answer answer;
  start_reading(&reading);
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(), &answer));
  poll();

  caller_transport_->set_connected(false);
  poll();

  ASSERT_TRUE(reading.error && answer.result);
  EXPECT_EQ(reading.error->code(), Code::Unavailable);
  EXPECT_THAT(*answer.result, HasCode(Code::Unavailable));
  EXPECT_EQ(caller_->in_flight(), 0U);
}

TEST_F(BusTest, ACallEndsAtItsDeadlineAndNotBefore) {
  serve_all();
  Answer answer;
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(250ms), &answer));
  poll();

  advance(245ms);
  EXPECT_FALSE(answer.result);
  advance(5ms);

  ASSERT_TRUE(answer.result);
  EXPECT_THAT(*answer.result, HasCode(Code::Deadline));
  EXPECT_EQ(embed_.cancelled, 1);
}

TEST_F(BusTest, TheEndpointsTimeoutBoundsALongerDeadline) {
  serve_all();
  Answer answer;
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(3600s), &answer));
  poll();

  advance(endpoints::kProviderEmbed.timeout + 10ms);

  ASSERT_TRUE(answer.result);
  EXPECT_THAT(*answer.result, HasCode(Code::Deadline));
}

TEST_F(BusTest, ACancelledCallIsCancelledAtTheCalleeOnceItIsKnown) {
  serve_all();
  Answer answer;
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(), &answer));
  poll();

  tasks_.cancel();
  poll();
  ASSERT_TRUE(answer.result);
  EXPECT_THAT(*answer.result, HasCode(Code::Cancelled));
  EXPECT_EQ(caller_->in_flight(), 0U);
  advance(1100ms);

  EXPECT_EQ(embed_.cancelled, 1);
}

TEST_F(BusTest, AnIdempotentCallIsTriedOnceMoreAndOnlyThen) {
  models_.fail_first = 1;
  serve_all();
  Answer answer;
  tasks_.spawn("ask", ask_models(caller_.get(), context(), &answer));
  poll();
  advance(50ms);
  ASSERT_TRUE(answer.result);
  EXPECT_THAT(*answer.result, IsOk());
  EXPECT_EQ(models_.calls, 2);

  models_.fail_first = 100;
  tasks_.spawn("ask", ask_models(caller_.get(), context(), &answer));
  poll();
  advance(50ms);
  EXPECT_THAT(*answer.result, HasCode(Code::Unavailable));
  EXPECT_EQ(models_.calls, 4);
}

TEST_F(BusTest, ADoubledRequestIsAnsweredOnce) {
  serve_all();
  fate(common::v1::KIND_REQUEST, 0, InMemoryBroker::Fate::Duplicate);
  Answer answer;
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(), &answer));
  poll();

  embed_.open();
  poll();

  EXPECT_TRUE(answer.result && answer.result->ok());
  EXPECT_EQ(embed_.calls, 1);
}

TEST_F(BusTest, AReplyOnAnotherCalleesInboxIsNotAccepted) {
  serve_all();
  InMemoryTransport forger(executor(), &broker_);
  std::string id;
  broker_.judge_by([&id](const InMemoryBroker::Packet& packet) {
    if (kind_of(packet) == common::v1::KIND_REQUEST) {
      id = parse_frame(packet.bytes).value().envelope.correlation_id();
    }
    return InMemoryBroker::Fate::Deliver;
  });
  // The inbox of another callee exists only once it was called.
  Answer other;

  struct Asker {
    static Async<void> ask(Bus* bus, RequestContext context, Answer* answer) {
      const auto reply = co_await bus->call(
          endpoints::kPolicyManage, policy::v1::ManageRequest(), std::move(context)
      );
      answer->result = reply.ok() ? Result<void>() : Result<void>(reply.error());
      co_return Result<void>();
    }
  };

  tasks_.spawn("other", Asker::ask(caller_.get(), context(), &other));
  Answer answer;
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(), &answer));
  poll();
  common::v1::Envelope envelope;
  envelope.set_kind(common::v1::KIND_REPLY);
  envelope.set_correlation_id(id);
  std::string forged;
  append_frame(forged, envelope, "");

  EXPECT_THAT(forger.publish("_INBOX.ingress.policy-engine.i1.r", "", forged), IsOk());
  poll();
  EXPECT_FALSE(answer.result);
  EXPECT_THAT(forger.publish("_INBOX.ingress.provider-router.i1.r", "", forged), IsOk());
  poll();

  EXPECT_TRUE(answer.result);  // the same bytes from the callee itself are the answer
}

TEST_F(BusTest, ARequestThatWantsItsAnswerElsewhereIsNotAnswered) {
  serve_all();
  InMemoryTransport attacker(executor(), &broker_);
  common::v1::Envelope envelope;
  envelope.set_kind(common::v1::KIND_REQUEST);
  envelope.set_correlation_id("0123456789abcdef");
  envelope.set_remaining_ms(1000);
  std::string request;
  append_frame(request, envelope, "");

  for (const char* reply :
       {"sluice.audit.v1.record",
        "_INBOX.ingress.policy-engine.i1.n0",
        "_INBOX.ingress.provider-router.i1.r",
        "_INBOX.ingress.provider-router.i1.n0.more",
        "_INBOX.ingress.provider-router",
        "_INBOX.*.provider-router.i1.n0",
        ""}) {
    EXPECT_THAT(attacker.publish(endpoints::kProviderEmbed.subject, reply, request), IsOk());
  }
  poll();

  EXPECT_EQ(embed_.calls, 0);
  EXPECT_NE(
      metrics_->expose().find("sluice_bus_frames_refused_total{reason=\"request\"} 7"),
      std::string::npos
  );
}

TEST_F(BusTest, BadFramesAreCountedAndDropped) {
  serve_all();
  InMemoryTransport attacker(executor(), &broker_);
  const std::string reply = "_INBOX.ingress.provider-router.i1.n0";

  for (const std::string& bytes : {std::string(), std::string("abc"), std::string(64, '\xff')}) {
    EXPECT_THAT(attacker.publish(endpoints::kProviderEmbed.subject, reply, bytes), IsOk());
    EXPECT_THAT(attacker.publish("sluice.provider.v1.control.r1", "", bytes), IsOk());
  }
  poll();

  EXPECT_EQ(embed_.calls, 0);
  EXPECT_NE(
      metrics_->expose().find("sluice_bus_frames_refused_total{reason=\"malformed\"} 6"),
      std::string::npos
  );
}

TEST_F(BusTest, APayloadThatIsNotTheMessageIsInvalid) {
  serve_all();
  std::optional<Error> error;
  InMemoryTransport client(executor(), &broker_);
  const auto inbox = client.subscribe(
      "_INBOX.ingress.provider-router.x.r",
      "",
      [&error](const Delivery& delivery) {
        error = error_of(parse_frame(delivery.bytes).value().envelope);
      }
  );
  common::v1::Envelope envelope;
  envelope.set_kind(common::v1::KIND_REQUEST);
  envelope.set_correlation_id("0123456789abcdef");
  envelope.set_remaining_ms(1000);
  std::string request;
  append_frame(request, envelope, "\xff\xff\xff");

  EXPECT_THAT(
      client.publish(
          endpoints::kProviderEmbed.subject, "_INBOX.ingress.provider-router.x.n0", request
      ),
      IsOk()
  );
  poll();

  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::Invalid);
}

TEST_F(BusTest, RequestsBeyondTheLimitAreExhausted) {
  serve_all();
  constexpr std::size_t kBeyond = 10;
  std::vector<Answer> answers(kRequestsServedMax + kBeyond);
  for (Answer& answer : answers) {
    tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(), &answer));
  }
  poll();

  const auto refused = std::count_if(answers.begin(), answers.end(), [](const Answer& answer) {
    return answer.result && !answer.result->ok() &&
           answer.result->error().code() == Code::Exhausted;
  });
  EXPECT_EQ(static_cast<std::size_t>(refused), kBeyond);
  EXPECT_EQ(callee_->in_flight(), kRequestsServedMax);
  embed_.open();
  poll();
  EXPECT_EQ(callee_->in_flight(), 0U);
}

TEST_F(BusTest, AnAnswerTooLargeForAMessageIsInternal) {
  embed_.answer_bytes = 2000;
  serve_all();
  callee_transport_->set_payload_bytes_max(1000);
  Answer answer;
  tasks_.spawn("ask", ask_embed(caller_.get(), "x", context(), &answer));
  poll();

  embed_.open();
  poll();

  ASSERT_TRUE(answer.result);
  EXPECT_THAT(*answer.result, HasCode(Code::Internal));
}

TEST_F(BusTest, AChunkTooLargeIsRefusedAtTheWriter) {
  chat_.chunks = {std::string(kChunkBytesMax + 1, 'x')};
  serve_all();
  Reading reading;

  start_reading(&reading);

  ASSERT_TRUE(chat_.write_error && reading.error);
  EXPECT_EQ(chat_.write_error->code(), Code::Invalid);
  EXPECT_EQ(reading.error->code(), Code::Invalid);
}

TEST_F(BusTest, ACalleeThatIgnoresItsCreditLosesTheStream) {
  InMemoryTransport rogue(executor(), &broker_);
  std::string id;
  const auto served = rogue.subscribe(
      std::string(endpoints::kProviderChat.subject),
      "provider-router",
      [&id](const Delivery& d) { id = parse_frame(d.bytes).value().envelope.correlation_id(); }
  );
  auto stream = std::make_shared<std::optional<Result<ChatStream>>>();

  struct Opener {
    static Async<void> open(
        Bus* bus, RequestContext context, std::shared_ptr<std::optional<Result<ChatStream>>> out
    ) {
      out->emplace(co_await bus->open(
          endpoints::kProviderChat, provider::v1::ChatRequest(), std::move(context)
      ));
      co_return Result<void>();
    }
  };

  tasks_.spawn("open", Opener::open(caller_.get(), context(), stream));
  poll();
  ASSERT_TRUE(*stream && !id.empty());

  for (std::uint64_t i = 0; i < endpoints::kProviderChat.credit_chunks + 1; ++i) {
    common::v1::Envelope envelope;
    envelope.set_kind(common::v1::KIND_CHUNK);
    envelope.set_correlation_id(id);
    envelope.set_sequence(i);
    std::string chunk;
    append_frame(chunk, envelope, "");
    EXPECT_THAT(rogue.publish("_INBOX.ingress.provider-router.i1.r", "", chunk), IsOk());
  }
  poll();

  EXPECT_EQ(caller_->in_flight(), 0U);
  stream->reset();
}

TEST_F(BusTest, ControlFramesForUnknownRequestsDoNothing) {
  serve_all();
  InMemoryTransport stranger(executor(), &broker_);
  Reading reading;
  start_reading(&reading);
  for (const auto kind : {common::v1::KIND_CANCEL, common::v1::KIND_CREDIT}) {
    common::v1::Envelope envelope;
    envelope.set_kind(kind);
    envelope.set_correlation_id("0123456789abcdef");
    std::string frame;
    append_frame(frame, envelope, "");
    EXPECT_THAT(stranger.publish("sluice.provider.v1.control.r1", "", frame), IsOk());
  }
  poll();

  EXPECT_EQ(chat_.cancelled, 0);
  EXPECT_FALSE(reading.done);
  chat_.finish();
  poll();
  EXPECT_TRUE(reading.done && !reading.error);
}

}  // namespace
}  // namespace sluice::bus
