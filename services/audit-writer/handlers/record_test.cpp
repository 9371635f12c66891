#include "services/audit-writer/handlers/record.h"

#include "services/audit-writer/limits.h"
#include "services/audit-writer/testing/builders.h"
#include "services/audit-writer/testing/fake_audit_store.h"
#include "services/audit-writer/testing/loop_fixture.h"

#include "common/audit/subject.h"
#include "common/audit/testing/recording_client.h"
#include "common/bus/durable_sender.h"
#include "common/bus/testing/in_memory_bus.h"
#include "common/testing/fault_plan.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <deque>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

// Delivers what a test says and remembers what was acknowledged.
class ScriptedConsumer final : public bus::DurableConsumer {
 public:
  explicit ScriptedConsumer(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::vector<bus::DurableMessage>>
  fetch(std::size_t count, std::chrono::milliseconds /*wait*/) override {
    asked = count;
    if (faults_ != nullptr) {
      SLUICE_CO_CHECK_OK(faults_->step());
    }
    std::vector<bus::DurableMessage> out;
    while (!messages.empty() && out.size() < count) {
      out.push_back(
          {messages.front(), ++sequence_, bus::durable_token(audit::record_subject(sender), "1")}
      );
      messages.pop_front();
    }
    co_return out;
  }

  Async<void> acknowledge(std::vector<bus::DurableMessage> done) override {
    if (faults_ != nullptr) {
      SLUICE_CO_CHECK_OK(faults_->step());
    }
    acknowledged += done.size();
    co_return Result<void>();
  }

  void stop() override { stopped = true; }

  [[nodiscard]] std::uint64_t pending() const override { return messages.size(); }

  std::deque<std::string> messages;
  std::string sender = "ingress";
  std::size_t acknowledged = 0;
  std::size_t asked = 0;
  bool stopped = false;

 private:
  testing::FaultPlan* faults_;
  std::uint64_t sequence_ = 0;
};

std::string batch_of(const std::vector<std::string>& records) {
  audit::v1::RecordBatch batch;
  for (const std::string& record : records) {
    batch.add_records(record);
  }
  return batch.SerializeAsString();
}

std::string bytes_of(const std::string& action, std::uint64_t sequence) {
  return test_record(action, sequence).SerializeAsString();
}

struct RecordFixture {
  explicit RecordFixture(testing::FaultPlan* faults = nullptr) : store(faults), consumer(faults) {}

  Result<void> round() { return sluice::testing::run_sync(world.loop, handler.round(&consumer)); }

  FakeAuditStore store;
  ScriptedConsumer consumer;
  audit::RecordingClient audit;
  LoopFixture world;
  RecordHandler handler{
      {&store, nullptr, &audit, &world.clock, &world.log, world.metrics.get(), test_body_key()}
  };
};

TEST(RecordHandler, InsertsThenAcknowledges) {
  RecordFixture fixture;
  fixture.consumer.messages = {
      batch_of({bytes_of("a", 1), bytes_of("b", 2)}), batch_of({bytes_of("c", 3)})
  };

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.records.size(), 3U);
  EXPECT_EQ(fixture.store.insert_batches, (std::vector<std::size_t>{3}));
  EXPECT_EQ(fixture.consumer.acknowledged, 2U);
}

TEST(RecordHandler, AnEmptyRoundDoesNothing) {
  RecordFixture fixture;

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_TRUE(fixture.store.insert_batches.empty());
}

TEST(RecordHandler, RepeatsAreHarmless) {
  RecordFixture fixture;
  const std::string batch = batch_of({bytes_of("a", 1)});
  fixture.consumer.messages = {batch, batch, batch};

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.records.size(), 1U);
  EXPECT_EQ(fixture.consumer.acknowledged, 3U);
  EXPECT_TRUE(fixture.store.rejected.empty());
}

TEST(RecordHandler, AnEventIdWithOtherContentIsReportedAndRecorded) {
  RecordFixture fixture;
  audit::v1::Record record = test_record("a");
  const std::string first = record.SerializeAsString();
  record.set_action("forged");
  fixture.consumer.messages = {batch_of({first, record.SerializeAsString()})};

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.records.at(record.event_id()).fields.action(), "a");
  EXPECT_TRUE(fixture.world.log.has("record-changed"));
  const auto reports = fixture.audit.with_action("service.record_changed");
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_NE(reports[0].detail().find(record.event_id()), std::string::npos);
  EXPECT_EQ(fixture.consumer.acknowledged, 1U);
}

TEST(RecordHandler, UnreadableRecordsDoNotStopTheOthers) {
  RecordFixture fixture;
  fixture.consumer.messages = {"\xFF no batch", batch_of({"\xFF no record", bytes_of("a", 1)})};

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.records.size(), 1U);
  EXPECT_EQ(fixture.store.rejected.size(), 2U);
  EXPECT_EQ(fixture.consumer.acknowledged, 2U);
}

TEST(RecordHandler, AForgedProducerOrAForeignActionIsKeptAsRejected) {
  RecordFixture fixture;
  audit::v1::Record own = test_record("chat.request", 1);
  audit::v1::Record foreign = test_record("tool.outcome", 2);
  audit::v1::Record posing = test_record("policy.decision", 3);
  fixture.consumer.messages = {
      batch_of({own.SerializeAsString(), foreign.SerializeAsString(), posing.SerializeAsString()})
  };

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.records.size(), 1U);
  EXPECT_TRUE(fixture.store.records.contains(own.event_id()));
  ASSERT_EQ(fixture.store.rejected.size(), 2U);
  EXPECT_EQ(fixture.store.rejected[0].event_id, foreign.event_id());
  EXPECT_EQ(fixture.store.rejected[0].reason, "sent by ingress as a record of mcp-connector");
  EXPECT_EQ(
      fixture.store.rejected[1].reason,
      "policy.decision is for policy-engine to record, not for ingress"
  );
}

TEST(RecordHandler, ARowTheDatabaseRefusesIsFoundAmongFiveHundred) {
  RecordFixture fixture;
  std::vector<std::string> records;
  std::string bad;
  for (std::uint64_t i = 1; i <= 500; ++i) {
    const auto record = test_record("a", i);
    records.push_back(record.SerializeAsString());
    if (i == 333) {
      bad = record.event_id();
    }
  }
  fixture.store.refuse(bad);
  fixture.consumer.messages = {batch_of(records)};

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.records.size(), 499U);
  ASSERT_EQ(fixture.store.rejected.size(), 1U);
  EXPECT_EQ(fixture.store.rejected[0].event_id, bad);
  EXPECT_LT(fixture.store.insert_batches.size(), 25U) << "halving, not one by one";
}

TEST(RecordHandler, LargeRoundsAreSplitIntoSeveralTransactions) {
  RecordFixture fixture;
  std::vector<std::string> records;
  for (std::uint64_t i = 1; i <= kRowsPerInsertMax + 1; ++i) {
    records.push_back(bytes_of("a", i));
  }
  fixture.consumer.messages = {batch_of(records)};

  ASSERT_THAT(fixture.round(), IsOk());

  EXPECT_EQ(fixture.store.insert_batches, (std::vector<std::size_t>{kRowsPerInsertMax, 1}));
  EXPECT_EQ(fixture.store.records.size(), kRowsPerInsertMax + 1);
}

TEST(RecordHandler, ResultsOfWritesAreSealed) {
  RecordFixture fixture;
  audit::v1::Record outcome = test_record("tool.outcome");
  outcome.set_effect_class("write");
  outcome.set_grant_id("grant-1");
  outcome.set_body(R"({"password":"hunter2"})");
  fixture.consumer.sender = "mcp-connector";
  fixture.consumer.messages = {batch_of({outcome.SerializeAsString()})};

  ASSERT_THAT(fixture.round(), IsOk());

  ASSERT_EQ(fixture.store.results.size(), 1U);
  const SealedResult& result = fixture.store.results[0];
  EXPECT_EQ(result.grant_id, "grant-1");
  EXPECT_EQ(result.sealed.find("hunter2"), std::string::npos);
  const auto opened = test_body_key().open(result.sealed, outcome.event_id());
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened.value(), R"({"password":"hunter2"})");
  EXPECT_EQ(fixture.store.records.at(outcome.event_id()).body, R"({"password":"***"})");
  EXPECT_EQ(
      result.expires_unix_ms, kTestUnixMs + fixture.world.clock.unix_ms() - kTestUnixMs + 86'400'000
  );
}

TEST(RecordHandler, NothingIsAcknowledgedBeforeItIsStored) {
  int stored = 0;
  const int faults = sluice::testing::for_each_fault([&stored](sluice::testing::FaultPlan& plan) {
    RecordFixture fixture(&plan);
    const LoopFixture::Stop stop(&fixture.world);
    fixture.consumer.messages = {batch_of({bytes_of("a", 1), "\xFF"})};

    const auto done = fixture.world.start(fixture.handler.round(&fixture.consumer));
    const bool waits = !done->has_value();
    if (waits) {
      EXPECT_EQ(fixture.consumer.acknowledged, 0U);
      EXPECT_NE(fixture.handler.interruption(), "");
    }
    fixture.world.pass(std::chrono::seconds(1));

    ASSERT_TRUE(done->has_value());
    if (plan.fired() && !waits) {
      EXPECT_THAT(**done, HasCode(Code::Unavailable)) << "of the stream";
      EXPECT_EQ(fixture.consumer.acknowledged, 0U);
    } else {
      EXPECT_THAT(**done, IsOk());
      EXPECT_EQ(fixture.consumer.acknowledged, 1U);
      EXPECT_EQ(fixture.store.records.size(), 1U);
      EXPECT_EQ(fixture.store.rejected.size(), 1U);
      EXPECT_EQ(fixture.handler.interruption(), "");
      ++stored;
    }
  });

  EXPECT_EQ(faults, 4) << "fetch, insert, insert of the rejected, acknowledge";
  EXPECT_EQ(stored, 3) << "both failures of the database, and none at all";
}

TEST(RecordHandler, TakesWhatTheStreamHoldsAndGoesOnAfterAFailure) {
  FakeAuditStore store;
  audit::RecordingClient audit;
  LoopFixture world;
  bus::InMemoryBroker broker;
  broker.add_stream("AUDIT", audit::record_subjects());
  bus::InMemoryTransport transport(world.loop.get_executor(), &broker);
  RecordHandler handler(
      {&store, &transport, &audit, &world.clock, &world.log, world.metrics.get(), test_body_key()}
  );
  const LoopFixture::Stop stop(&world);
  const auto published = sluice::testing::run_sync(
      world.loop,
      transport.publish_durable(
          audit::record_subject("ingress"),
          batch_of({bytes_of("a", 1)}),
          world.clock.now() + std::chrono::seconds(1)
      )
  );
  ASSERT_THAT(published, IsOk());
  store.fail_next(1, Code::Unavailable);

  world.tasks.spawn("record", handler.run());
  for (int i = 0; i < 50 && store.records.empty(); ++i) {
    world.pass(std::chrono::milliseconds(100));
  }

  EXPECT_EQ(store.records.size(), 1U);
  EXPECT_TRUE(world.log.has("intake-interrupted"));
}

}  // namespace
}  // namespace sluice::audit_writer
