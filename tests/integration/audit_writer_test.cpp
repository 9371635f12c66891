#include "services/audit-writer/limits.h"
#include "tests/integration/audit_writer_rig.h"

#include "common/audit/subject.h"

#include <gmock/gmock.h>

namespace sluice::audit_writer {
namespace {

using namespace std::chrono_literals;
using audit::v1::JournalReply;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

TEST_F(AuditWriterTest, RefusesABrokerWhoseAcknowledgementDoesNotMeanOnDisk) {
  tests::NatsServerOptions options;
  options.jetstream = false;
  options.extra_config = "jetstream { store_dir: \"" + files_.file("young") + "\" }\n";
  auto careless = tests::NatsServer::start(std::move(options));
  ASSERT_THAT(careless, IsOk());
  write("sluice.json", configuration(careless.value()->url(), careless.value()->monitor_url()));

  start_writer();
  const auto status = writer_->wait(20s);

  ASSERT_THAT(status, IsOk());
  EXPECT_NE(status.value(), 0);
  EXPECT_THAT(writer_log(), HasSubstr("sync_interval: always"));
}

TEST_F(AuditWriterTest, RecordsOfEveryServiceBecomeRows) {
  start_writer();
  for (const std::string service :
       {"ingress", "provider-router", "mcp-connector", "policy-engine", "codemode-sandbox"}) {
    Producer& made = producer(service);
    for (int i = 0; i < 100; ++i) {
      record(made, "chat.request");
    }
  }

  EXPECT_TRUE(all_stored()) << writer_log();

  expect_complete();
  for (const auto& made : producers_) {
    EXPECT_TRUE(pump([&made] { return made->audit->backlog() == 0; }));
  }
}

TEST_F(AuditWriterTest, ACallIsCommittedJournaledAndItsResultKeptSealed) {
  start_writer();
  Producer& connector = producer("mcp-connector");
  Producer& ingress = producer("ingress");
  audit::v1::JournalRequest question;
  question.set_tool_call_id("call-1");
  auto suggestion = audit::record_of(context(1s), "chat.suggestion");
  suggestion.set_tool_call_id("call-1");
  ASSERT_THAT(ingress.audit->record(audit::v1::Record(suggestion)), IsOk());
  ++recorded_;
  ASSERT_TRUE(all_stored()) << writer_log();

  const auto suggested =
      result_of(ingress.bus->call(endpoints::kAuditJournal, question, context(5s)));
  auto intent = audit::record_of(context(5s), "tool.intent");
  intent.set_tool_call_id("call-1");
  intent.set_grant_id("0123456789abcdef");
  intent.set_effect_class("write");
  const auto committed =
      result_of(connector.audit->commit(intent, "0123456789abcdef", context(5s)));
  ++recorded_;
  const auto begun = result_of(ingress.bus->call(endpoints::kAuditJournal, question, context(5s)));
  const auto again = result_of(connector.audit->commit(intent, "0123456789abcdef", context(5s)));
  ++recorded_;
  auto outcome = audit::record_of(context(5s), "tool.outcome");
  outcome.set_grant_id("0123456789abcdef");
  outcome.set_effect_class("write");
  outcome.set_outcome(audit::v1::OUTCOME_DONE);
  outcome.set_body(R"({"content":"made","password":"hunter2"})");
  ASSERT_THAT(connector.audit->record(audit::v1::Record(outcome)), IsOk());
  ++recorded_;
  ASSERT_TRUE(all_stored()) << writer_log();
  const auto finished =
      result_of(ingress.bus->call(endpoints::kAuditJournal, question, context(5s)));

  ASSERT_THAT(suggested, IsOk());
  EXPECT_EQ(suggested.value().state(), JournalReply::STATE_SUGGESTED);
  EXPECT_EQ(suggested.value().chain_id(), "chain-1");
  ASSERT_THAT(committed, IsOk());
  EXPECT_TRUE(committed.value().committed());
  ASSERT_THAT(begun, IsOk());
  EXPECT_EQ(begun.value().state(), JournalReply::STATE_IN_PROGRESS);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again.value().committed());
  EXPECT_EQ(again.value().used_by_event_id(), begun.value().intent_event_id());
  ASSERT_THAT(finished, IsOk());
  EXPECT_EQ(finished.value().state(), JournalReply::STATE_FINISHED);
  EXPECT_EQ(finished.value().result(), R"({"content":"made","password":"hunter2"})");
  expect_complete();
  EXPECT_EQ(number("SELECT count(*) FROM audit.bodies WHERE body LIKE '%hunter2%'"), 0);
  EXPECT_EQ(
      number("SELECT count(*) FROM audit.records WHERE position('hunter2'::bytea IN record) > 0"), 0
  );
  EXPECT_EQ(
      number("SELECT count(*) FROM audit.bodies WHERE body = "
             "'{\"content\":\"made\",\"password\":\"***\"}'"),
      1
  );
}

TEST_F(AuditWriterTest, OnlyAnAdminReadsTheTrailAndTheReadingIsRecorded) {
  start_writer();
  Producer& ingress = producer("ingress");
  record(ingress, "chat.request", 1);
  record(ingress, "chat.answer", 2);
  ASSERT_TRUE(all_stored()) << writer_log();
  audit::v1::QueryRequest question;
  question.set_chain_id("chain-1");

  const auto refused = result_of(ingress.bus->call(endpoints::kAuditQuery, question, context(5s)));
  const auto answered =
      result_of(ingress.bus->call(endpoints::kAuditQuery, question, context(5s, "admin")));
  const auto verified =
      result_of(ingress.bus->call(endpoints::kAuditVerify, {}, context(30s, "admin")));

  EXPECT_THAT(refused, HasCode(Code::Denied));
  ASSERT_THAT(answered, IsOk());
  ASSERT_EQ(answered.value().records_size(), 2);
  audit::v1::Record first;
  ASSERT_TRUE(first.ParseFromString(answered.value().records(0)));
  EXPECT_EQ(first.action(), "chat.request");
  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ(verified.value().gaps_size(), 0);
  EXPECT_TRUE(pump([this] {
    return number(
               "SELECT count(*) FROM audit.records WHERE action IN ('service.trail_queried', "
               "'service.trail_verified')"
               " AND principal = 'key:k1'"
           ) == 2;
  }));
}

TEST_F(AuditWriterTest, KilledAgainAndAgainItLosesAndDoublesNothing) {
  constexpr int kKills = 8;
  start_writer();
  Producer& ingress = producer("ingress");
  Producer& router = producer("provider-router");

  int kills = 0;
  for (int round = 0; round < kKills; ++round) {
    for (int i = 0; i < 300; ++i) {
      record(ingress, "chat.request");
      record(router, "provider.failed");
      if (i % 20 == 0) {
        pump([] { return false; }, 5ms);
      }
    }
    pump([] { return false; }, std::chrono::milliseconds(40 * round));
    kills += writer_->running() ? 1 : 0;
    writer_->kill();
    ASSERT_THAT(writer_->wait(5s), IsOk());
    start_writer();
  }

  EXPECT_EQ(kills, kKills) << writer_log();
  EXPECT_TRUE(all_stored(60s)) << writer_log();
  expect_complete();
}

TEST_F(AuditWriterTest, WithoutPostgresNothingIsCommittedAndAfterItsReturnNothingIsMissing) {
  start_writer();
  Producer& connector = producer("mcp-connector");
  record(connector, "server.state");
  ASSERT_TRUE(all_stored()) << writer_log();

  ASSERT_THAT(database_server().stop(SIGKILL), IsOk());
  for (int i = 0; i < 500; ++i) {
    record(connector, "server.state");
  }
  auto intent = audit::record_of(context(2s), "tool.intent");
  intent.set_grant_id("0123456789abcdef");
  const auto refused = result_of(connector.audit->commit(intent, "0123456789abcdef", context(2s)));
  ++recorded_;  // it reaches the trail as an intent that was not committed
  ASSERT_THAT(database_server().start_again(), IsOk());
  const auto committed =
      result_of(connector.audit->commit(intent, "0123456789abcdef", context(20s)));
  ++recorded_;

  EXPECT_FALSE(refused.ok());
  ASSERT_THAT(committed, IsOk());
  EXPECT_TRUE(all_stored(60s)) << writer_log();
  expect_complete();
}

TEST_F(AuditWriterTest, AKilledBrokerLosesNothingThatWasAcknowledgedAndTheRestIsSentAgain) {
  start_writer();
  Producer& ingress = producer("ingress");
  record(ingress, "chat.request");
  ASSERT_TRUE(all_stored()) << writer_log();

  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 300; ++i) {
      record(ingress, "chat.request");
    }
    pump([] { return false; }, 20ms);
    ASSERT_THAT(nats_->stop(SIGKILL), IsOk());
    for (int i = 0; i < 100; ++i) {
      record(ingress, "chat.answer");
    }
    pump([] { return false; }, 100ms);
    ASSERT_THAT(nats_->start_again(), IsOk());
  }

  EXPECT_TRUE(all_stored(60s)) << writer_log();
  expect_complete();
  EXPECT_TRUE(pump([&ingress] { return ingress.audit->backlog() == 0; }));
}

TEST_F(AuditWriterTest, ForgedContentUnderAKnownEventIdIsFoundAndRecorded) {
  start_writer();
  Producer& ingress = producer("ingress");
  auto honest = audit::record_of(context(1s), "chat.request");
  const auto id = ingress.audit->record(audit::v1::Record(honest));
  ASSERT_THAT(id, IsOk());
  ++recorded_;
  ASSERT_TRUE(all_stored()) << writer_log();
  audit::v1::Record forged = test_record("chat.request");
  forged.set_event_id(id.value());
  forged.set_detail("forged");
  audit::v1::RecordBatch batch;
  batch.add_records(forged.SerializeAsString());
  batch.add_records("no record at all");

  ASSERT_THAT(
      result_of(ingress.transport->publish_durable(
          audit::record_subject("ingress"), batch.SerializeAsString(), clock_.now() + 5s
      )),
      IsOk()
  );

  EXPECT_TRUE(pump([this] { return number("SELECT count(*) FROM audit.rejected") == 2; }));
  EXPECT_TRUE(pump([this] {
    return number("SELECT count(*) FROM audit.records WHERE action = 'service.record_changed'") ==
           1;
  }));
  EXPECT_EQ(number("SELECT count(*) FROM audit.records WHERE detail = 'forged'"), 0);
}

TEST_F(AuditWriterTest, StopsInOrderAndSaysSo) {
  start_writer();
  Producer& ingress = producer("ingress");
  record(ingress, "chat.request");
  ASSERT_TRUE(all_stored()) << writer_log();

  writer_->kill(SIGTERM);
  const auto status = writer_->wait(15s);

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 0) << writer_log();
  start_writer();  // its last words may still be in the stream
  EXPECT_TRUE(pump([this] {
    return number(
               "SELECT count(*) FROM audit.records WHERE action = 'service.stopped' AND producer = "
               "'audit-writer'"
           ) == 1;
  })) << writer_log();
}

}  // namespace
}  // namespace sluice::audit_writer
