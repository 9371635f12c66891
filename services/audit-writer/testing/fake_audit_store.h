// FakeAuditStore: the rules of the real store in memory. Each operation may be made to fail.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/testing/fault_plan.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::audit_writer {

class FakeAuditStore final : public AuditStore {
 public:
  explicit FakeAuditStore(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::vector<IntentResult>> commit_intents(std::vector<Intent> intents) override;
  Async<VoidResult> void_grant(std::string grant_id) override;
  Async<InsertReport> insert(Insertion insertion) override;
  Async<void> ensure_partitions(std::vector<std::int32_t> days) override;
  Async<void> expire_results() override;
  Async<std::vector<std::string>> query(QueryFilter filter) override;
  Async<TrailReport> verify() override;
  Async<JournalEntry> journal(JournalKey key) override;

  // Every insert that holds this event id fails with Internal.
  void refuse(const std::string& event_id) { refused_.insert(event_id); }

  // The next operations fail with this code.
  void fail_next(int count, Code code) {
    failures_ = count;
    failure_code_ = code;
  }

  std::map<std::string, StoredRecord> records;  // by event id
  std::map<std::string, std::string> grants;    // event id, or "" for void
  std::vector<SealedResult> results;
  std::vector<RejectedRecord> rejected;
  std::vector<std::size_t> commit_batches;
  std::vector<std::size_t> insert_batches;
  std::vector<std::int32_t> partitions;
  int expirations = 0;
  QueryFilter last_filter;
  JournalKey last_key;
  std::vector<std::string> query_answer;
  TrailReport verify_answer;
  JournalEntry journal_answer;

 private:
  Result<void> step();

  testing::FaultPlan* faults_;
  std::set<std::string> refused_;
  int failures_ = 0;
  Code failure_code_ = Code::Unavailable;
};

}  // namespace sluice::audit_writer
