// AuditStore on Postgres: the statements of audit-writer. Work runs on the pools' threads, so it
// holds copies only.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/postgres/pool.h"

namespace sluice::audit_writer {

class PgAuditStore final : public AuditStore {
 public:
  // reports: a pool for verify, whose statements take long; may be the same one.
  PgAuditStore(postgres::Pool* pool, postgres::Pool* reports) : pool_(pool), reports_(reports) {}

  Async<std::vector<IntentResult>> commit_intents(std::vector<Intent> intents) override;
  Async<VoidResult> void_grant(std::string grant_id) override;
  Async<InsertReport> insert(Insertion insertion) override;
  Async<void> ensure_partitions(std::vector<std::int32_t> days) override;
  Async<void> expire_results() override;
  Async<std::vector<std::string>> query(QueryFilter filter) override;
  Async<TrailReport> verify() override;
  Async<JournalEntry> journal(JournalKey key) override;

 private:
  postgres::Pool* pool_;
  postgres::Pool* reports_;
};

}  // namespace sluice::audit_writer
