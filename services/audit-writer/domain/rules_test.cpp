// The small rules of the domain: batches, fetch sizes, broker, journal.
#include "services/audit-writer/domain/batcher.h"
#include "services/audit-writer/domain/broker_check.h"
#include "services/audit-writer/domain/fetch_size.h"
#include "services/audit-writer/domain/journal_state.h"
#include "services/audit-writer/limits.h"
#include "services/audit-writer/testing/builders.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using audit::v1::JournalReply;
using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(Batcher, TakesTheOldestUpToABatchAndRefusesBeyondItsBound) {
  Batcher<int> batcher(2, 3);
  EXPECT_TRUE(batcher.add(1));
  EXPECT_TRUE(batcher.add(2));
  EXPECT_TRUE(batcher.add(3));
  EXPECT_FALSE(batcher.add(4));

  EXPECT_EQ(batcher.take(), (std::vector<int>{1, 2}));
  EXPECT_EQ(batcher.take(), (std::vector<int>{3}));
  EXPECT_TRUE(batcher.take().empty());
  EXPECT_TRUE(batcher.empty());
}

TEST(FetchSize, AimsAtOneInsertAndGrowsSlowly) {
  FetchSize size;
  EXPECT_EQ(size.count(), kFetchMessagesFirst);

  size.observe(16, 16, 16 * 500);
  EXPECT_EQ(size.count(), 2 * kFetchMessagesFirst);
  for (int i = 0; i < 10; ++i) {
    size.observe(16, 16, 16 * 500);
  }
  EXPECT_EQ(size.count(), kFetchMessagesMax);
  size.observe(10, 640, 640 * 500);
  EXPECT_EQ(size.count(), 15U) << "1,000 rows of 64 records a message";
  size.observe(4, 4, std::size_t{4} << 20);
  EXPECT_EQ(size.count(), 8U) << "8 MiB of 1 MiB messages";
  size.observe(0, 0, 0);
  EXPECT_EQ(size.count(), kFetchMessagesFirst);
}

TEST(BrokerCheck, InsistsOnAcknowledgementsThatMeanOnDisk) {
  EXPECT_THAT(
      check_durable({.version = "2.10.27", .jetstream = true, .sync_always = true}), IsOk()
  );
  EXPECT_THAT(
      check_durable({.version = "2.10.27", .jetstream = true, .sync_always = false}),
      HasCode(Code::Invalid)
  );
  EXPECT_THAT(
      check_durable({.version = "2.9.10", .jetstream = false, .sync_always = false}),
      HasCode(Code::Invalid)
  );
}

class JournalState : public ::testing::Test {
 protected:
  JournalReply reply() {
    auto made = journal_reply(entry, test_body_key(), kTestUnixMs);
    EXPECT_THAT(made, IsOk());
    return made.ok() ? made.value() : JournalReply();
  }

  JournalEntry entry;
};

TEST_F(JournalState, NothingKnownIsUnspecified) {
  EXPECT_EQ(reply().state(), JournalReply::STATE_UNSPECIFIED);
}

TEST_F(JournalState, ASuggestionNamesItsConversation) {
  entry.suggested_chain_id = "c1";

  EXPECT_EQ(reply().state(), JournalReply::STATE_SUGGESTED);
  EXPECT_EQ(reply().chain_id(), "c1");
}

TEST_F(JournalState, AnIntentIsInProgressUntilItsDeadlineAndUnknownAfterIt) {
  entry.intent_event_id = "e1";
  entry.deadline_unix_ms = kTestUnixMs + 1;
  EXPECT_EQ(reply().state(), JournalReply::STATE_IN_PROGRESS);

  entry.deadline_unix_ms = kTestUnixMs;
  EXPECT_EQ(reply().state(), JournalReply::STATE_UNKNOWN);
  EXPECT_EQ(reply().intent_event_id(), "e1");
}

TEST_F(JournalState, AFinishedCallComesWithItsResultWhileItIsKept) {
  audit::v1::Record outcome = test_record("tool.outcome");
  outcome.set_outcome(audit::v1::OUTCOME_DONE);
  entry.intent_event_id = "e1";
  entry.outcome_event_id = "e2";
  entry.outcome_bytes = outcome.SerializeAsString();
  entry.sealed_result = test_body_key().seal("the result", "e2");

  EXPECT_EQ(reply().state(), JournalReply::STATE_FINISHED);
  EXPECT_EQ(reply().result(), "the result");
  EXPECT_FALSE(reply().body_expired());

  entry.sealed_result.clear();
  EXPECT_EQ(reply().state(), JournalReply::STATE_FINISHED);
  EXPECT_TRUE(reply().body_expired());
  EXPECT_EQ(reply().outcome_record(), entry.outcome_bytes);
}

TEST_F(JournalState, ARecordedUnknownStaysUnknown) {
  audit::v1::Record outcome = test_record("tool.outcome");
  outcome.set_outcome(audit::v1::OUTCOME_UNKNOWN);
  entry.outcome_event_id = "e2";
  entry.outcome_bytes = outcome.SerializeAsString();

  EXPECT_EQ(reply().state(), JournalReply::STATE_UNKNOWN);
}

TEST_F(JournalState, AResultSealedForAnotherRowIsNotGivenOut) {
  entry.outcome_event_id = "e2";
  entry.outcome_bytes = test_record("tool.outcome").SerializeAsString();
  entry.sealed_result = test_body_key().seal("the result of another", "e3");

  EXPECT_THAT(journal_reply(entry, test_body_key(), kTestUnixMs), HasCode(Code::Internal));
}

}  // namespace
}  // namespace sluice::audit_writer
