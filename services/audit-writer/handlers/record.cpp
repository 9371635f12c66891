#include "services/audit-writer/handlers/record.h"

#include "services/audit-writer/domain/producer_rule.h"
#include "services/audit-writer/limits.h"

#include "common/async/retry.h"
#include "common/audit/subject.h"
#include "common/bus/durable_sender.h"
#include "common/crypto/random.h"

#include "proto/endpoints.h"

#include <algorithm>
#include <iterator>

namespace sluice::audit_writer {
namespace {

constexpr std::size_t kBatchRecordsTaken = 4096;  // more in one message is no RecordBatch of ours

// Records first to last, with the results that belong to them.
Insertion part(Insertion& from, std::size_t first, std::size_t last) {
  Insertion out;
  for (std::size_t i = first; i < last; ++i) {
    const std::string& id = from.records[i].fields.event_id();
    for (SealedResult& result : from.results) {
      if (result.event_id == id) {
        out.results.push_back(result);
      }
    }
    out.records.push_back(std::move(from.records[i]));
  }
  return out;
}

}  // namespace

RecordHandler::RecordHandler(Deps deps)
    : deps_(std::move(deps)),
      records_(deps_.metrics->counter(
          "sluice_audit_writer_records_total", "records inserted from the stream"
      )),
      repeats_(deps_.metrics->counter(
          "sluice_audit_writer_repeats_total", "records that were there already, byte for byte"
      )),
      rejected_(deps_.metrics->counter(
          "sluice_audit_writer_rejected_total",
          "records kept in audit.rejected: unreadable, or not for their sender to make"
      )),
      changed_(deps_.metrics->counter(
          "sluice_audit_writer_changed_total",
          "event ids that came back with other content: suspicion of tampering"
      )),
      pending_(deps_.metrics->gauge(
          "sluice_audit_writer_pending_messages", "messages waiting in the stream"
      )) {}

Async<void> RecordHandler::run() {
  async::Backoff backoff(
      {.first_wait = kIntakeFirstWait, .wait_max = kIntakeWaitMax}, crypto::random_u64()
  );
  for (;;) {
    auto consumer = co_await deps_.transport->consume(
        std::string(endpoints::kAuditRecord.stream),
        audit::record_subjects(),
        std::string(endpoints::kAuditRecord.consumer)
    );
    Result<void> ended;
    if (consumer.ok()) {
      consumer_ = consumer.value().get();
      if (stopped_) {
        consumer_->stop();
      }
      ended = co_await consume(consumer_);
      consumer_ = nullptr;
    } else {
      ended = consumer.error();
    }
    if (ended.error().code() == Code::Cancelled) {
      co_return ended;
    }
    interrupted(ended.error());
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, backoff.next()));
  }
}

void RecordHandler::stop() {
  stopped_ = true;
  if (consumer_ != nullptr) {
    consumer_->stop();
  }
}

// Rounds until one fails.
Async<void> RecordHandler::consume(bus::DurableConsumer* consumer) {
  for (;;) {
    SLUICE_CO_CHECK_OK(co_await round(consumer));
    if (co_await async::is_cancelled()) {
      co_return Error(Code::Cancelled, "the intake was stopped");
    }
  }
}

Async<void> RecordHandler::round(bus::DurableConsumer* consumer) {
  SLUICE_CO_TRY(auto fetched, co_await consumer->fetch(fetch_size_.count(), kFetchWait));
  pending_.set(static_cast<double>(consumer->pending()));
  if (fetched.empty()) {
    resumed();
    fetch_size_.observe(0, 0, 0);
    co_return Result<void>();
  }
  const auto messages =
      std::make_shared<const std::vector<bus::DurableMessage>>(std::move(fetched));
  SLUICE_CO_CHECK_OK(co_await store(messages));
  resumed();
  co_return co_await consumer->acknowledge(*messages);
}

// Again until the database has them: others would only come after these, and these not before their
// acknowledgement is overdue.
Async<void> RecordHandler::store(std::shared_ptr<const std::vector<bus::DurableMessage>> messages) {
  async::Backoff backoff(
      {.first_wait = kIntakeFirstWait, .wait_max = kIntakeWaitMax}, crypto::random_u64()
  );
  for (;;) {
    Insertion insertion = unpack(*messages);
    std::size_t bytes = 0;
    for (const bus::DurableMessage& message : *messages) {
      bytes += message.bytes.size();
    }
    fetch_size_.observe(
        messages->size(), insertion.records.size() + insertion.rejected.size(), bytes
    );
    auto stored = co_await insert_all(std::move(insertion));
    if (stored.ok()) {
      co_return stored;
    }
    const Code code = stored.error().code();
    if (code == Code::Internal || code == Code::Denied || code == Code::Cancelled) {
      co_return stored;
    }
    interrupted(stored.error());
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, backoff.next()));
  }
}

// Logged once per interruption, however long it lasts.
void RecordHandler::interrupted(const Error& error) {
  if (interruption_.empty()) {
    deps_.log->warn("intake-interrupted", {{"error", error.to_log()}});
  }
  interruption_ = "records wait in the stream: " + error.message();
}

void RecordHandler::resumed() {
  if (!interruption_.empty()) {
    deps_.log->info("intake-resumed");
    interruption_.clear();
  }
}

Insertion RecordHandler::unpack(const std::vector<bus::DurableMessage>& messages) const {
  Insertion insertion;
  for (const bus::DurableMessage& message : messages) {
    const std::string_view sender = audit::record_sender(bus::subject_of(message));
    audit::v1::RecordBatch batch;
    if (!batch.ParseFromString(message.bytes) ||
        batch.records_size() > static_cast<int>(kBatchRecordsTaken)) {
      insertion.rejected.push_back(reject(message.bytes, "the message is no RecordBatch"));
      continue;
    }
    for (const std::string& bytes : batch.records()) {
      auto stored = store_form(bytes);
      if (!stored.ok()) {
        insertion.rejected.push_back(reject(bytes, stored.error().message()));
        continue;
      }
      if (const auto allowed = check_producer(stored.value().fields, sender); !allowed.ok()) {
        insertion.rejected.push_back(
            reject(bytes, allowed.error().message(), stored.value().fields.event_id())
        );
        continue;
      }
      StoredRecord& record = insertion.records.emplace_back(std::move(stored).value());
      if (!record.exact_result.empty()) {
        insertion.results.push_back(seal(record));
      }
    }
  }
  return insertion;
}

SealedResult RecordHandler::seal(StoredRecord& record) const {
  const std::string result = std::exchange(record.exact_result, {});
  return {
      .event_id = record.fields.event_id(),
      .grant_id = record.fields.grant_id(),
      .sealed = deps_.key.seal(result, record.fields.event_id()),
      .expires_unix_ms = deps_.clock->unix_ms() +
                         std::chrono::duration_cast<std::chrono::milliseconds>(kResultKept).count()
  };
}

Async<void> RecordHandler::insert_all(Insertion insertion) {
  for (std::size_t first = 0; first < insertion.records.size(); first += kRowsPerInsertMax) {
    const std::size_t last = std::min(first + kRowsPerInsertMax, insertion.records.size());
    SLUICE_CO_CHECK_OK(co_await insert(part(insertion, first, last)));
  }
  if (!insertion.rejected.empty()) {
    const std::size_t count = insertion.rejected.size();
    deps_.log->error(
        "records-rejected", {{"count", count}, {"reason", insertion.rejected.front().reason}}
    );
    Insertion rejected;
    rejected.rejected = std::move(insertion.rejected);
    SLUICE_CO_TRY(
        [[maybe_unused]] const InsertReport report,
        co_await deps_.store->insert(std::move(rejected))
    );
    rejected_.add(static_cast<double>(count));
  }
  co_return Result<void>();
}

// Halves a batch the database refuses until the record at fault stands alone; that one is kept as
// rejected.
Async<void> RecordHandler::insert(Insertion insertion) {
  const auto report = co_await deps_.store->insert(insertion);
  if (report.ok()) {
    const std::size_t changed = report.value().changed.size();
    records_.add(static_cast<double>(report.value().inserted));
    repeats_.add(static_cast<double>(insertion.records.size() - report.value().inserted - changed));
    for (const std::size_t index : report.value().changed) {
      report_changed(insertion.records.at(index).fields);
    }
    co_return Result<void>();
  }
  if (report.error().code() != Code::Internal && report.error().code() != Code::Invalid) {
    co_return report.error();
  }
  const std::size_t count = insertion.records.size();
  if (count > 1) {
    Insertion second = part(insertion, count / 2, count);
    SLUICE_CO_CHECK_OK(co_await insert(part(insertion, 0, count / 2)));
    co_return co_await insert(std::move(second));
  }
  const StoredRecord& record = insertion.records.front();
  deps_.log->error(
      "record-refused", {{"event_id", record.fields.event_id()}, {"error", report.error().to_log()}}
  );
  Insertion rejected;
  rejected.rejected.push_back(
      reject(record.bytes, "the database refused the row", record.fields.event_id())
  );
  SLUICE_CO_TRY(
      [[maybe_unused]] const InsertReport kept, co_await deps_.store->insert(std::move(rejected))
  );
  rejected_.add();
  co_return Result<void>();
}

void RecordHandler::report_changed(const audit::v1::Record& changed) {
  changed_.add();
  deps_.log->error(
      "record-changed",
      {{"event_id", changed.event_id()},
       {"producer", changed.producer()},
       {"instance", changed.instance()}}
  );
  audit::v1::Record record;
  record.set_action("service.record_changed");
  record.set_tenant(changed.tenant());
  record.set_chain_id(changed.chain_id());
  record.set_outcome(audit::v1::OUTCOME_REFUSED);
  record.set_detail(
      "event id " + changed.event_id() + " came back with other content, from " +
      changed.instance() + "; the first content stands, the other is kept in audit.rejected"
  );
  if (const auto recorded = deps_.audit->record(std::move(record)); !recorded.ok()) {
    deps_.log->error("record-changed-not-recorded", {{"error", recorded.error().to_log()}});
  }
}

}  // namespace sluice::audit_writer
