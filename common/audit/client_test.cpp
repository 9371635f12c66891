#include "common/audit/client.h"

#include "common/audit/limits.h"
#include "common/audit/subject.h"
#include "common/audit/testing/recording_client.h"
#include "common/audit/testing/temporary_directory.h"
#include "common/bus/testing/in_memory_bus.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <set>

namespace sluice::audit {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

class QuietLog final : public observability::Log {
 public:
  void
  write(observability::Level /*level*/, std::string_view event, observability::LogFields /*fields*/)
      override {
    events.emplace_back(event);
  }

  std::vector<std::string> events;
};

// Answers commits as a test says.
struct CommitHandler {
  Async<v1::CommitReply> operator()(v1::CommitRequest request, RequestContext /*context*/) {
    requests.push_back(request);
    if (failures > 0) {
      --failures;
      co_return Error(Code::Unavailable, "the database is away");
    }
    co_return reply;
  }

  std::vector<v1::CommitRequest> requests;
  int failures = 0;
  v1::CommitReply reply;
};

// One service with its audit client, and audit-writer on the other side of the bus.
class ClientTest : public ::testing::Test {
 public:
  ~ClientTest() override {
    stop();
    settle(std::chrono::seconds(0));
    client_.reset();
    drain(bus_.get());
    drain(writer_bus_.get());
  }

 protected:
  ClientTest() {
    broker_.add_stream(std::string(endpoints::kAuditRecord.stream), record_subjects());
    options_.outbox_directory = root_.path();
    bus_ = make_bus(&transport_, "ingress", "i1");
    writer_bus_ = make_bus(&writer_transport_, "audit-writer", "w1");
    commit_.reply.set_committed(true);
    EXPECT_THAT(writer_bus_->serve(endpoints::kAuditCommit, commit_), IsOk());
    client_ = open();
  }

  std::unique_ptr<bus::Bus> make_bus(
      bus::Transport* transport, const std::string& service, const std::string& instance
  ) {
    auto made = std::make_unique<bus::Bus>(bus::Bus::Deps{
        loop_.get_executor(), &clock_, &log_, metrics_.get(), transport, service, instance
    });
    EXPECT_THAT(sluice::testing::run_sync(loop_, made->start()), IsOk());
    return made;
  }

  std::unique_ptr<Client> open() {
    auto opened = Client::open(
        {loop_.get_executor(), &clock_, &log_, metrics_.get(), &transport_, bus_.get(), "ingress"},
        options_
    );
    EXPECT_THAT(opened, IsOk());
    return std::move(opened).value();
  }

  void start() { tasks_.spawn("audit", client_->run()); }

  void stop() { tasks_.cancel(); }

  void drain(bus::Bus* bus) {
    tasks_.spawn("drain", bus->drain(clock_.now()));
    settle(std::chrono::seconds(1));
  }

  // Lets everything happen that the given time allows, in small steps.
  void settle(Duration time) {
    const TimePoint end = clock_.now() + time;
    for (;;) {
      loop_.restart();
      loop_.poll();
      if (clock_.now() >= end) {
        return;
      }
      clock_.advance(std::min<Duration>(std::chrono::milliseconds(5), end - clock_.now()));
    }
  }

  // Runs an operation while time passes.
  template <class T>
  Result<T> result_of(Async<T> operation) {
    std::optional<Result<T>> out;
    tasks_.spawn("operation", keep(std::move(operation), &out));
    for (int step = 0; step < 4000 && !out; ++step) {
      settle(std::chrono::milliseconds(5));
    }
    return out ? std::move(*out) : Result<T>(Error(Code::Deadline, "nothing came"));
  }

  template <class T>
  static Async<void> keep(Async<T> operation, std::optional<Result<T>>* out) {
    out->emplace(co_await std::move(operation));
    co_return Result<void>();
  }

  RequestContext context(Duration time) {
    RequestContext made;
    made.chain = ChainId("c1");
    made.deadline = clock_.now() + time;
    return made;
  }

  std::vector<v1::Record> published() {
    std::vector<v1::Record> records;
    for (const std::string& message :
         broker_.stream_messages(std::string(endpoints::kAuditRecord.stream))) {
      v1::RecordBatch batch;
      EXPECT_TRUE(batch.ParseFromString(message));
      EXPECT_LE(batch.records_size(), static_cast<int>(kBatchRecordsMax));
      for (const std::string& bytes : batch.records()) {
        EXPECT_TRUE(records.emplace_back().ParseFromString(bytes));
      }
    }
    return records;
  }

  std::string record(std::string action) {
    v1::Record made;
    made.set_action(std::move(action));
    const auto id = client_->record(std::move(made));
    EXPECT_THAT(id, IsOk());
    return id.ok() ? id.value() : "";
  }

  boost::asio::io_context loop_{1};
  sluice::testing::ManualClock clock_;
  QuietLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  async::TaskGroup tasks_{loop_.get_executor(), [](std::string_view name, const Error& error) {
                            ADD_FAILURE() << name << ": " << error.to_log();
                          }};
  TemporaryDirectory root_;
  bus::InMemoryBroker broker_;
  bus::InMemoryTransport transport_{loop_.get_executor(), &broker_};
  bus::InMemoryTransport writer_transport_{loop_.get_executor(), &broker_};
  std::unique_ptr<bus::Bus> bus_;
  std::unique_ptr<bus::Bus> writer_bus_;
  CommitHandler commit_;
  Options options_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, RecordsAreWrittenBeforeTheStepIsAnswered) {
  record("chat.request");

  ASSERT_THAT(result_of(client_->written()), IsOk());

  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
  }
  EXPECT_GT(bytes, 0U);
  EXPECT_TRUE(published().empty()) << "nothing is sent before run()";
}

TEST_F(ClientTest, SendsInOrderWithSequencesWithoutGaps) {
  start();
  for (int i = 0; i < 200; ++i) {
    record("a" + std::to_string(i));
  }
  settle(std::chrono::milliseconds(50));

  const auto records = published();
  ASSERT_EQ(records.size(), 200U);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].sequence(), i + 1);
    EXPECT_EQ(records[i].action(), "a" + std::to_string(i));
    EXPECT_EQ(records[i].instance(), records[0].instance());
    ids.insert(records[i].event_id());
  }
  EXPECT_EQ(ids.size(), 200U);
  EXPECT_EQ(client_->backlog(), 0U);
  EXPECT_EQ(broker_.stream_messages("AUDIT").size(), 4U) << "64 + 64 + 64 + 8";
}

TEST_F(ClientTest, GathersAFewMillisecondsForALargerBatch) {
  start();
  record("one");
  settle(std::chrono::milliseconds(0));
  EXPECT_TRUE(published().empty());
  record("two");

  settle(options_.gather);

  EXPECT_EQ(broker_.stream_messages("AUDIT").size(), 1U);
  EXPECT_EQ(published().size(), 2U);
}

TEST_F(ClientTest, SendsAgainUntilTheStreamTakesIt) {
  start();
  broker_.set_streams_full(true);
  for (int i = 0; i < 100; ++i) {
    record("a");
  }
  settle(std::chrono::seconds(3));
  EXPECT_EQ(client_->backlog(), 100U);

  broker_.set_streams_full(false);
  settle(std::chrono::seconds(3));

  EXPECT_EQ(client_->backlog(), 0U);
  EXPECT_EQ(published().size(), 100U);
}

TEST_F(ClientTest, KeepsRecordsWhileTheBusIsAway) {
  start();
  transport_.set_connected(false);
  record("a");
  settle(std::chrono::seconds(10));
  EXPECT_EQ(client_->backlog(), 1U);

  transport_.set_connected(true);
  settle(std::chrono::seconds(10));

  EXPECT_EQ(client_->backlog(), 0U);
}

TEST_F(ClientTest, RefusesRecordsWhenTheOutboxIsFull) {
  client_.reset();
  options_.outbox_bytes_max = 1000;
  client_ = open();
  while (!client_->full()) {
    record("a");
  }

  v1::Record one;
  EXPECT_THAT(client_->record(v1::Record(one)), HasCode(Code::Unavailable));
  EXPECT_THAT(
      result_of(client_->commit(one, "g", context(std::chrono::seconds(1)))),
      HasCode(Code::Unavailable)
  );
}

TEST_F(ClientTest, StoppingSendsWhatIsLeftAndRemovesTheDirectory) {
  start();
  settle(std::chrono::milliseconds(0));
  record("last");
  stop();
  settle(std::chrono::seconds(3));

  EXPECT_EQ(published().size(), 1U);
  client_.reset();
  EXPECT_TRUE(std::filesystem::is_empty(root_.path()));
}

TEST_F(ClientTest, StoppingWithoutABusEndsAndLeavesTheRecordsToOthers) {
  start();
  settle(std::chrono::milliseconds(10));
  transport_.set_connected(false);
  record("left");
  settle(std::chrono::milliseconds(10));
  stop();
  settle(std::chrono::seconds(5));
  EXPECT_EQ(tasks_.size(), 0U);
  client_.reset();
  transport_.set_connected(true);

  client_ = open();
  start();
  settle(std::chrono::seconds(6));

  const auto records = published();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].action(), "left");
}

TEST_F(ClientTest, AdoptsTheRecordsOfAKilledInstanceUnderItsName) {
  for (int i = 0; i < 100; ++i) {
    record("dead" + std::to_string(i));
  }
  ASSERT_THAT(result_of(client_->written()), IsOk());
  // What a killed process leaves is its directory without a lock.
  const TemporaryDirectory elsewhere;
  std::filesystem::copy(root_.path(), elsewhere.path(), std::filesystem::copy_options::recursive);
  client_.reset();
  std::filesystem::remove_all(root_.path());
  std::filesystem::copy(elsewhere.path(), root_.path(), std::filesystem::copy_options::recursive);

  client_ = open();
  start();
  record("alive");
  settle(std::chrono::seconds(1));

  std::map<std::string, std::vector<v1::Record>> by_instance;
  for (auto& record : published()) {
    by_instance[record.instance()].push_back(record);
  }
  ASSERT_EQ(by_instance.size(), 2U);
  for (const auto& [instance, records] : by_instance) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i].sequence(), i + 1);
    }
  }
  EXPECT_EQ(published().size(), 101U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root_.path()), {}), 1)
      << "only the living one's";
}

TEST_F(ClientTest, ATornTailLeavesARecordOfItself) {
  record("whole");
  record("torn");
  ASSERT_THAT(result_of(client_->written()), IsOk());
  const TemporaryDirectory elsewhere;
  std::filesystem::copy(root_.path(), elsewhere.path(), std::filesystem::copy_options::recursive);
  client_.reset();
  std::filesystem::remove_all(root_.path());
  std::filesystem::copy(elsewhere.path(), root_.path(), std::filesystem::copy_options::recursive);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
    if (entry.path().extension() == ".log") {
      std::filesystem::resize_file(entry.path(), entry.file_size() - 3);
    }
  }

  client_ = open();
  start();
  settle(std::chrono::seconds(1));

  const auto records = published();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].action(), "whole");
  EXPECT_EQ(records[1].action(), "service.outbox_torn");
  EXPECT_NE(records[1].detail().find(records[0].instance()), std::string::npos);
}

TEST_F(ClientTest, ACommittedIntentGoesToTheTrailOnceAndKeepsItsPlaceInTheSequence) {
  start();
  record("before");
  v1::Record intent;
  intent.set_action("tool.intent");

  const auto reply = result_of(client_->commit(intent, "grant", context(std::chrono::seconds(5))));
  record("after");
  settle(std::chrono::seconds(1));

  ASSERT_THAT(reply, IsOk());
  EXPECT_TRUE(reply.value().committed());
  ASSERT_EQ(commit_.requests.size(), 1U);
  v1::Record sent;
  ASSERT_TRUE(sent.ParseFromString(commit_.requests[0].record()));
  EXPECT_EQ(sent.sequence(), 2U);
  EXPECT_EQ(commit_.requests[0].grant_id(), "grant");
  EXPECT_GT(sent.deadline_unix_ms(), sent.wall_unix_ms());
  const auto records = published();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].sequence(), 1U);
  EXPECT_EQ(records[1].sequence(), 3U);
  EXPECT_EQ(client_->backlog(), 0U);
}

TEST_F(ClientTest, RetriesACommitWithTheSameBytes) {
  start();
  commit_.failures = 2;

  const auto reply = result_of(client_->commit({}, "grant", context(std::chrono::seconds(5))));

  ASSERT_THAT(reply, IsOk());
  ASSERT_EQ(commit_.requests.size(), 3U);
  EXPECT_EQ(commit_.requests[0].record(), commit_.requests[2].record());
}

TEST_F(ClientTest, AnIntentThatWasNotCommittedStillReachesTheTrail) {
  start();
  commit_.failures = 1000;

  const auto reply =
      result_of(client_->commit({}, "grant", context(std::chrono::milliseconds(300))));
  settle(std::chrono::seconds(1));

  EXPECT_FALSE(reply.ok());
  EXPECT_EQ(published().size(), 1U);
  EXPECT_EQ(client_->backlog(), 0U);
}

TEST_F(ClientTest, SaysWhichIntentUsedTheGrant) {
  start();
  commit_.reply.set_committed(false);
  commit_.reply.set_used_by_event_id("other");

  const auto reply = result_of(client_->commit({}, "grant", context(std::chrono::seconds(5))));
  settle(std::chrono::seconds(1));

  ASSERT_THAT(reply, IsOk());
  EXPECT_FALSE(reply.value().committed());
  EXPECT_EQ(reply.value().used_by_event_id(), "other");
  EXPECT_EQ(published().size(), 1U) << "the attempt is part of the story";
}

TEST(RecordingClient, RemembersAndAnswersAsTold) {
  RecordingClient client;
  v1::CommitReply used;
  used.set_used_by_event_id("x");
  client.push_commit_reply(used);
  v1::Record record;
  record.set_action("a");

  ASSERT_THAT(client.record(v1::Record(record)), IsOk());
  const auto first = sluice::testing::run_sync(client.commit(record, "g", {}));
  const auto second = sluice::testing::run_sync(client.commit(record, "g", {}));
  client.set_full(true);

  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first.value().used_by_event_id(), "x");
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second.value().committed());
  EXPECT_EQ(client.with_action("a").size(), 1U);
  EXPECT_EQ(client.commits().size(), 2U);
  EXPECT_THAT(client.record(v1::Record(record)), HasCode(Code::Unavailable));
}

TEST(RecordingClient, FailsAsPlanned) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    RecordingClient client(&plan);
    const bool ok = client.record({}).ok() && sluice::testing::run_sync(client.written()).ok() &&
                    sluice::testing::run_sync(client.commit({}, "g", {})).ok();
    EXPECT_EQ(ok, !plan.fired());
  });

  EXPECT_EQ(faults, 3);
}

}  // namespace
}  // namespace sluice::audit
