#include "services/audit-writer/adapters/pg_audit_store.h"

#include "services/audit-writer/adapters/pg_record_rows.h"
#include "services/audit-writer/domain/record_columns.h"
#include "services/audit-writer/limits.h"

#include "common/crypto/random.h"

#include <algorithm>
#include <map>
#include <memory>

namespace sluice::audit_writer {
namespace {

using postgres::Binary;
using postgres::Transaction;

constexpr std::string_view kChangedReason = "event id repeated with other content";

struct GrantUse {
  bool is_void = false;
  std::string event_id;
};

// Claims each grant for its intent unless it is taken; answers who has it now. Sorted, so that two
// writers that commit the same grants at once never wait for each other in a circle.
Result<std::map<std::string, GrantUse>> claim_grants(
    Transaction& transaction, const std::vector<const Intent*>& intents
) {
  std::vector<const Intent*> sorted = intents;
  std::sort(sorted.begin(), sorted.end(), [](const Intent* a, const Intent* b) {
    return a->grant_id < b->grant_id;
  });
  ArrayLiteral grants;
  ArrayLiteral events;
  ArrayLiteral deadlines;
  std::map<std::string, GrantUse> uses;
  for (const Intent* intent : sorted) {
    if (intent->grant_id.empty()) {
      continue;
    }
    grants.add_bytes(intent->grant_id);
    events.add(intent->record.fields.event_id());
    deadlines.add_number(intent->record.fields.deadline_unix_ms());
    uses[intent->grant_id];
  }
  if (uses.empty()) {
    return uses;
  }
  const std::string wanted = grants.take();
  SLUICE_TRY(
      [[maybe_unused]] const auto claimed,
      transaction.query(
          "INSERT INTO audit.grant_uses (grant_id, state, event_id, not_after)"
          " SELECT g.grant_id, 'used', g.event_id, timestamptz 'epoch' + g.deadline * interval '1 "
          "millisecond'"
          " FROM unnest($1::bytea[], $2::uuid[], $3::bigint[]) AS g(grant_id, event_id, deadline)"
          " ON CONFLICT (grant_id) DO NOTHING",
          {wanted, events.take(), deadlines.take()}
      )
  );
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          "SELECT grant_id, state = 'void', coalesce(event_id::text, '') FROM audit.grant_uses"
          " WHERE grant_id = ANY ($1::bytea[])",
          {wanted}
      )
  );
  for (std::size_t i = 0; i < rows->size(); ++i) {
    uses[rows->at(i).bytes(0)] = {rows->at(i).flag(1), rows->at(i).text(2)};
  }
  return uses;
}

Result<std::vector<IntentResult>> commit_in(
    Transaction& transaction, const std::vector<Intent>& intents
) {
  RecordPointers all;
  for (const Intent& intent : intents) {
    all.push_back(&intent.record);
  }
  SLUICE_TRY(const auto changed, changed_records(transaction, all));
  std::vector<const Intent*> honest;
  for (std::size_t i = 0; i < intents.size(); ++i) {
    if (!changed[i]) {
      honest.push_back(&intents[i]);
    }
  }
  SLUICE_TRY(const auto uses, claim_grants(transaction, honest));

  std::vector<IntentResult> results(intents.size());
  RecordPointers winners;
  for (std::size_t i = 0; i < intents.size(); ++i) {
    IntentResult& result = results[i];
    result.changed = changed[i];
    if (changed[i]) {
      continue;
    }
    if (intents[i].grant_id.empty()) {
      result.committed = true;
    } else {
      const GrantUse& use = uses.at(intents[i].grant_id);
      result.committed = use.event_id == intents[i].record.fields.event_id();
      result.used_by_event_id = result.committed ? "" : use.event_id;
    }
    if (result.committed) {
      winners.push_back(&intents[i].record);
    }
  }
  SLUICE_TRY(const auto inserted, insert_records(transaction, winners));
  if (inserted.size() != winners.size()) {
    // Repeats; or another writer was quicker with the same event id, and then its bytes decide.
    SLUICE_TRY(const auto differ, changed_records(transaction, winners));
    if (std::find(differ.begin(), differ.end(), true) != differ.end()) {
      return Error(
          Code::Conflict, "an event id was committed with other bytes at the same moment; try again"
      );
    }
  }
  SLUICE_CHECK_OK(insert_bodies(transaction, winners));
  std::vector<RejectedRecord> rejected;
  for (std::size_t i = 0; i < intents.size(); ++i) {
    if (changed[i]) {
      const StoredRecord& record = intents[i].record;
      rejected.push_back(reject(record.bytes, std::string(kChangedReason), record.fields.event_id())
      );
    }
  }
  SLUICE_CHECK_OK(insert_rejected(transaction, rejected));
  return results;
}

Result<InsertReport> insert_in(Transaction& transaction, const Insertion& insertion) {
  RecordPointers all;
  for (const StoredRecord& record : insertion.records) {
    all.push_back(&record);
  }
  SLUICE_TRY(const auto inserted, insert_records(transaction, all));
  InsertReport report{.inserted = inserted.size()};
  std::vector<RejectedRecord> rejected = insertion.rejected;
  std::vector<bool> changed(all.size(), false);
  if (inserted.size() != all.size()) {
    SLUICE_TRY(changed, changed_records(transaction, all));
  }
  RecordPointers fresh;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (changed[i]) {
      report.changed.push_back(i);
      rejected.push_back(
          reject(all[i]->bytes, std::string(kChangedReason), all[i]->fields.event_id())
      );
    } else if (inserted.contains(all[i]->fields.event_id())) {
      fresh.push_back(all[i]);
    }
  }
  SLUICE_CHECK_OK(insert_bodies(transaction, fresh));
  std::vector<const SealedResult*> results;
  for (const SealedResult& result : insertion.results) {
    if (inserted.contains(result.event_id)) {
      results.push_back(&result);
    }
  }
  SLUICE_CHECK_OK(insert_results(transaction, results));
  SLUICE_CHECK_OK(insert_rejected(transaction, rejected));
  return report;
}

Result<VoidResult> void_in(Transaction& transaction, const std::string& grant_id) {
  SLUICE_TRY(
      [[maybe_unused]] const auto inserted,
      transaction.query(
          "INSERT INTO audit.grant_uses (grant_id, state) VALUES ($1, 'void') ON CONFLICT "
          "(grant_id) DO NOTHING",
          {Binary{grant_id}}
      )
  );
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          "SELECT state = 'void', coalesce(event_id::text, '') FROM audit.grant_uses WHERE "
          "grant_id = $1",
          {Binary{grant_id}}
      )
  );
  if (rows->size() != 1) {
    return Error(Code::Internal, "a grant's use could not be read back");
  }
  return VoidResult{.voided = rows->at(0).flag(0), .used_by_event_id = rows->at(0).text(1)};
}

// Behind the row named, in the order of the query. The day in an event id lets Postgres look into
// one partition.
constexpr std::string_view kAfterInTime =
    " AND (r.day, r.event_id) > (date '1970-01-01' + $6::integer, $5::uuid)";
constexpr std::string_view kAfterInChain =
    " AND (r.hop, r.event_id) > (SELECT a.hop, a.event_id FROM audit.records a"
    " WHERE a.day = date '1970-01-01' + $6::integer AND a.event_id = $5::uuid)";

// The body is put back where it is still kept, so that a reader gets one Record. Records without a
// tenant (of the services themselves) belong to no conversation.
Result<std::vector<std::string>> query_in(Transaction& transaction, const QueryFilter& filter) {
  const bool one_chain = !filter.chain_id.empty();
  std::string sql =
      "SELECT r.record, coalesce(b.raw, convert_to(b.body, 'UTF8'), ''::bytea) FROM audit.records r"
      " LEFT JOIN audit.bodies b ON b.day = r.day AND b.event_id = r.event_id"
      " WHERE ($3 = '' OR r.action = $3)";
  sql += one_chain ? " AND r.tenant = $1 AND r.chain_id = $2"
                   : " AND $2 = '' AND (r.tenant = $1 OR r.tenant IS NULL)";
  std::vector<postgres::Parameter> parameters{
      filter.tenant, filter.chain_id, filter.action, std::int64_t{filter.limit}
  };
  if (!filter.after_event_id.empty()) {
    sql += one_chain ? kAfterInChain : kAfterInTime;
    parameters.emplace_back(filter.after_event_id);
    parameters.emplace_back(day_of(crypto::uuid_v7_unix_ms(filter.after_event_id)));
  }
  sql += one_chain ? " ORDER BY r.hop, r.event_id" : " ORDER BY r.day, r.event_id";
  SLUICE_TRY(const auto rows, transaction.query(sql + " LIMIT $4::bigint", parameters));
  std::vector<std::string> records;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < rows->size() && bytes < kQueryBytesMax; ++i) {
    std::string record = rows->at(i).bytes(0);
    audit::v1::Record body;
    body.set_body(rows->at(i).bytes(1));
    record += body.SerializeAsString();  // fields may come in any order
    bytes += record.size();
    records.push_back(std::move(record));
  }
  return records;
}

Result<TrailReport> verify_in(Transaction& transaction) {
  TrailReport report;
  SLUICE_TRY(const auto count, transaction.query("SELECT count(*) FROM audit.records", {}));
  report.records = static_cast<std::uint64_t>(count->at(0).integer(0));
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          "SELECT producer, instance, boot, first_missing, last_missing FROM audit.sequence_gaps"
          " ORDER BY producer, instance, boot, first_missing LIMIT $1::bigint",
          {std::int64_t{kGapsMax}}
      )
  );
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const postgres::Row& row = rows->at(i);
    report.gaps.push_back(
        {.producer = row.text(0),
         .instance = row.text(1),
         .boot = static_cast<std::uint64_t>(row.integer(2)),
         .first_missing = static_cast<std::uint64_t>(row.integer(3)),
         .last_missing = static_cast<std::uint64_t>(row.integer(4))}
    );
  }
  return report;
}

constexpr std::string_view kJournalOfGrant =
    "SELECT i.event_id::text, i.chain_id, i.deadline_ms, o.event_id::text, o.record, s.sealed, "
    "o.kept"
    " FROM (SELECT r.event_id, coalesce(r.chain_id, '') AS chain_id, r.grant_id, r.effect_class,"
    "         coalesce((extract(epoch FROM r.deadline_at) * 1000)::bigint, 0) AS deadline_ms"
    "       FROM audit.records r LEFT JOIN audit.grant_uses u ON u.grant_id = r.grant_id AND "
    "u.event_id = r.event_id"
    "       WHERE r.action = 'tool.intent' AND r.tenant = $1 AND r.principal = $2 AND r.grant_id "
    "IS NOT NULL"
    "         AND ($3::bytea = ''::bytea OR r.grant_id = $3::bytea)"
    "         AND ($4 = '' OR r.chain_id = $4) AND ($5 = '' OR r.tool_call_id = $5)"
    "         AND (u.grant_id IS NOT NULL OR r.effect_class = 'read')"
    "       ORDER BY r.event_id DESC LIMIT 1) i"
    " LEFT JOIN LATERAL (SELECT r.event_id, r.record, NOT r.body_truncated AND r.effect_class IN "
    "('write', 'delete') AS kept"
    "       FROM audit.records r WHERE r.grant_id = i.grant_id AND r.action = 'tool.outcome'"
    "       ORDER BY r.event_id DESC LIMIT 1) o ON true"
    " LEFT JOIN audit.results s ON s.event_id = o.event_id AND s.expires_at > clock_timestamp()";

Result<JournalEntry> journal_in(Transaction& transaction, const JournalKey& key) {
  JournalEntry entry;
  if (!key.tool_call_id.empty()) {
    SLUICE_TRY(
        const auto suggested,
        transaction.query(
            "SELECT chain_id FROM audit.records WHERE action = 'chat.suggestion' AND tool_call_id "
            "= $1 AND tenant = $2"
            " AND principal = $3 AND chain_id IS NOT NULL AND ($4 = '' OR chain_id = $4) ORDER BY "
            "event_id DESC LIMIT 1",
            {key.tool_call_id, key.tenant, key.principal, key.chain_id}
        )
    );
    if (suggested->size() == 1) {
      entry.suggested_chain_id = suggested->at(0).text(0);
    }
  }
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          kJournalOfGrant,
          {key.tenant, key.principal, Binary{key.grant_id}, key.chain_id, key.tool_call_id}
      )
  );
  if (rows->size() != 1) {
    return entry;
  }
  const postgres::Row& row = rows->at(0);
  entry.intent_event_id = row.text(0);
  entry.intent_chain_id = row.text(1);
  entry.deadline_unix_ms = row.integer(2);
  if (!row.is_null(3)) {
    entry.outcome_event_id = row.text(3);
    entry.outcome_bytes = row.bytes(4);
    entry.result_expected = row.flag(6);
  }
  if (!row.is_null(5)) {
    entry.sealed_result = row.bytes(5);
  }
  return entry;
}

}  // namespace

Async<std::vector<IntentResult>> PgAuditStore::commit_intents(std::vector<Intent> intents) {
  const auto shared = std::make_shared<const std::vector<Intent>>(std::move(intents));
  co_return co_await pool_->transact<std::vector<IntentResult>>([shared](Transaction& transaction) {
    return commit_in(transaction, *shared);
  });
}

Async<VoidResult> PgAuditStore::void_grant(std::string grant_id) {
  co_return co_await pool_->transact<VoidResult>([grant_id =
                                                      std::move(grant_id)](Transaction& transaction
                                                 ) { return void_in(transaction, grant_id); });
}

Async<InsertReport> PgAuditStore::insert(Insertion insertion) {
  const auto shared = std::make_shared<const Insertion>(std::move(insertion));
  co_return co_await pool_->transact<InsertReport>([shared](Transaction& transaction) {
    return insert_in(transaction, *shared);
  });
}

Async<void> PgAuditStore::ensure_partitions(std::vector<std::int32_t> days) {
  for (const std::int32_t day : days) {
    SLUICE_CO_CHECK_OK(co_await pool_->run([day](Transaction& transaction) -> Result<void> {
      const auto rows = transaction.query(
          "SELECT audit.ensure_partition(date '1970-01-01' + $1::bigint::integer)",
          {std::int64_t{day}}
      );
      return rows.ok() ? Result<void>() : Result<void>(rows.error());
    }));
  }
  co_return Result<void>();
}

Async<void> PgAuditStore::expire_results() {
  co_return co_await pool_->run([](Transaction& transaction) -> Result<void> {
    const auto rows =
        transaction.query("DELETE FROM audit.results WHERE expires_at <= clock_timestamp()", {});
    return rows.ok() ? Result<void>() : Result<void>(rows.error());
  });
}

Async<std::vector<std::string>> PgAuditStore::query(QueryFilter filter) {
  co_return co_await pool_->transact<std::vector<std::string>>([filter = std::move(filter
                                                                )](Transaction& transaction) {
    return query_in(transaction, filter);
  });
}

Async<TrailReport> PgAuditStore::verify() {
  co_return co_await reports_->transact<TrailReport>([](Transaction& transaction) {
    return verify_in(transaction);
  });
}

Async<JournalEntry> PgAuditStore::journal(JournalKey key) {
  co_return co_await pool_->transact<JournalEntry>([key = std::move(key)](Transaction& transaction
                                                   ) { return journal_in(transaction, key); });
}

}  // namespace sluice::audit_writer
