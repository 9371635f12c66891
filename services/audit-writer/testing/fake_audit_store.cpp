#include "services/audit-writer/testing/fake_audit_store.h"

namespace sluice::audit_writer {

Result<void> FakeAuditStore::step() {
  if (failures_ > 0) {
    --failures_;
    return Error(failure_code_, "the database fails as told");
  }
  return faults_ == nullptr ? Result<void>() : faults_->step();
}

Async<std::vector<IntentResult>> FakeAuditStore::commit_intents(std::vector<Intent> intents) {
  commit_batches.push_back(intents.size());
  SLUICE_CO_CHECK_OK(step());
  std::vector<IntentResult> out;
  for (Intent& intent : intents) {
    const std::string id = intent.record.fields.event_id();
    IntentResult result;
    const auto known = records.find(id);
    result.changed = known != records.end() && known->second.sha256 != intent.record.sha256;
    if (!result.changed) {
      const auto use =
          intent.grant_id.empty() ? grants.end() : grants.emplace(intent.grant_id, id).first;
      result.committed = use == grants.end() || use->second == id;
      result.used_by_event_id = result.committed ? "" : use->second;
    }
    if (result.committed) {
      records.emplace(id, std::move(intent.record));
    }
    out.push_back(result);
  }
  co_return out;
}

Async<VoidResult> FakeAuditStore::void_grant(std::string grant_id) {
  SLUICE_CO_CHECK_OK(step());
  const auto use = grants.emplace(grant_id, "").first;
  co_return VoidResult{.voided = use->second.empty(), .used_by_event_id = use->second};
}

Async<InsertReport> FakeAuditStore::insert(Insertion insertion) {
  insert_batches.push_back(insertion.records.size());
  SLUICE_CO_CHECK_OK(step());
  for (const StoredRecord& record : insertion.records) {
    if (refused_.contains(record.fields.event_id())) {
      co_return Error(Code::Internal, "the database refuses that row");
    }
  }
  InsertReport report;
  for (std::size_t i = 0; i < insertion.records.size(); ++i) {
    const std::string id = insertion.records[i].fields.event_id();
    const auto [place, fresh] = records.emplace(id, insertion.records[i]);
    if (fresh) {
      ++report.inserted;
    } else if (place->second.sha256 != insertion.records[i].sha256) {
      report.changed.push_back(i);
      rejected.push_back(reject(insertion.records[i].bytes, "changed", id));
    }
  }
  results.insert(results.end(), insertion.results.begin(), insertion.results.end());
  rejected.insert(rejected.end(), insertion.rejected.begin(), insertion.rejected.end());
  co_return report;
}

Async<void> FakeAuditStore::ensure_partitions(std::vector<std::int32_t> days) {
  SLUICE_CO_CHECK_OK(step());
  partitions.insert(partitions.end(), days.begin(), days.end());
  co_return Result<void>();
}

Async<void> FakeAuditStore::expire_results() {
  SLUICE_CO_CHECK_OK(step());
  ++expirations;
  co_return Result<void>();
}

Async<std::vector<std::string>> FakeAuditStore::query(QueryFilter filter) {
  SLUICE_CO_CHECK_OK(step());
  last_filter = std::move(filter);
  co_return query_answer;
}

Async<TrailReport> FakeAuditStore::verify() {
  SLUICE_CO_CHECK_OK(step());
  co_return verify_answer;
}

Async<JournalEntry> FakeAuditStore::journal(JournalKey key) {
  SLUICE_CO_CHECK_OK(step());
  last_key = std::move(key);
  co_return journal_answer;
}

}  // namespace sluice::audit_writer
