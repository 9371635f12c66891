// What audit-writer needs from outside. Real ones: adapters/; fakes: testing/. Records come through
// bus::DurableConsumer.
#pragma once

#include "services/audit-writer/domain/stored_record.h"

#include "common/async/async.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::audit_writer {

// A result to keep, sealed already.
struct SealedResult {
  std::string event_id;
  std::string grant_id;
  std::string sealed;
  std::int64_t expires_unix_ms = 0;
};

struct Intent {
  StoredRecord record;
  std::string grant_id;  // empty: no use to record
};

struct IntentResult {
  bool committed = false;
  bool changed = false;          // the event id is there with other bytes
  std::string used_by_event_id;  // not committed: who used the grant; empty: it is void
};

struct VoidResult {
  bool voided = false;
  std::string used_by_event_id;
};

struct Insertion {
  std::vector<StoredRecord> records;
  std::vector<SealedResult> results;
  std::vector<RejectedRecord> rejected;
};

// Rows of an Insertion by index: new ones, and those whose event id is there with other bytes (kept
// in audit.rejected). The rest were there already, byte for byte.
struct InsertReport {
  std::uint64_t inserted = 0;
  std::vector<std::size_t> changed;
};

struct QueryFilter {
  std::string tenant;
  std::string chain_id;
  std::string action;
  std::string after_event_id;
  std::uint32_t limit = 0;
};

struct SequenceGap {
  std::string producer;
  std::string instance;
  std::uint64_t boot = 0;
  std::uint64_t first_missing = 0;
  std::uint64_t last_missing = 0;
};

struct TrailReport {
  std::uint64_t records = 0;
  std::vector<SequenceGap> gaps;
};

// One tool execution, by grant id, or by tool call id (with or without chain).
struct JournalKey {
  std::string tenant;
  std::string principal;
  std::string grant_id;
  std::string chain_id;
  std::string tool_call_id;
};

struct JournalEntry {
  std::string suggested_chain_id;  // empty: not suggested
  std::string intent_event_id;     // empty: no intent was committed
  std::string intent_chain_id;
  std::int64_t deadline_unix_ms = 0;  // of the intent
  std::string outcome_event_id;       // empty: no outcome
  std::string outcome_bytes;
  std::string sealed_result;     // empty: not kept, or no longer
  bool result_expected = false;  // the outcome is one whose result is kept
};

// Errors of all: Unavailable, Deadline (the database), Internal (it refused a statement).
class AuditStore {
 public:
  AuditStore() = default;
  AuditStore(const AuditStore&) = delete;
  AuditStore& operator=(const AuditStore&) = delete;
  AuditStore(AuditStore&&) = delete;
  AuditStore& operator=(AuditStore&&) = delete;
  virtual ~AuditStore() = default;

  // In one transaction; result i belongs to intent i. An intent that lost its grant does not fail
  // the others.
  virtual Async<std::vector<IntentResult>> commit_intents(std::vector<Intent> intents) = 0;
  virtual Async<VoidResult> void_grant(std::string grant_id) = 0;
  // In one transaction.
  virtual Async<InsertReport> insert(Insertion insertion) = 0;
  virtual Async<void> ensure_partitions(std::vector<std::int32_t> days) = 0;
  virtual Async<void> expire_results() = 0;

  // Serialized Records in order of the chain.
  virtual Async<std::vector<std::string>> query(QueryFilter filter) = 0;
  virtual Async<TrailReport> verify() = 0;
  virtual Async<JournalEntry> journal(JournalKey key) = 0;
};

// What nats-server says of itself.
struct BrokerState {
  std::string version;
  bool jetstream = false;
  bool sync_always = false;
};

class BrokerMonitor {
 public:
  BrokerMonitor() = default;
  BrokerMonitor(const BrokerMonitor&) = delete;
  BrokerMonitor& operator=(const BrokerMonitor&) = delete;
  BrokerMonitor(BrokerMonitor&&) = delete;
  BrokerMonitor& operator=(BrokerMonitor&&) = delete;
  virtual ~BrokerMonitor() = default;

  // Errors: Unavailable, Invalid (no monitoring endpoint there).
  virtual Async<BrokerState> state() = 0;
};

}  // namespace sluice::audit_writer
