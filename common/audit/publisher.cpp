#include "common/audit/publisher.h"

#include "common/async/retry.h"
#include "common/audit/limits.h"
#include "common/audit/subject.h"
#include "common/crypto/random.h"

#include "proto/endpoints.h"

#include <algorithm>
#include <utility>

namespace sluice::audit {

static_assert(kBatchRecordsMax == endpoints::kAuditRecord.batch_records_max);

Publisher::Publisher(Deps deps, std::chrono::milliseconds gather)
    : deps_(std::move(deps)),
      gather_(gather),
      senders_(
          deps_.executor,
          [log = deps_.log](std::string_view name, const Error& error) {
            log->error("audit-task-failed", {{"task", name}, {"error", error.to_log()}});
          }
      ),
      batches_(
          deps_.metrics->counter("sluice_audit_batches_total", "batches acknowledged by JetStream")
      ),
      failures_(deps_.metrics->counter(
          "sluice_audit_publish_failures_total", "attempts to publish a batch that failed"
      )),
      adopted_(deps_.metrics->counter(
          "sluice_audit_adopted_records_total", "records published for dead instances"
      )) {}

void Publisher::start() {
  started_ = true;
  pump();
}

bool Publisher::due() const {
  const std::uint64_t unsent = deps_.outbox->unsent();
  return unsent >= kBatchRecordsMax || (unsent > 0 && (gathered_ || stopping_));
}

void Publisher::pump() {
  if (!started_) {
    return;
  }
  while (in_flight_ < kBatchesInFlightMax && due()) {
    auto batch = std::make_shared<Batch>(next_batch());
    if (batch->count == 0) {
      break;  // only held records, or nothing could be read
    }
    ++in_flight_;
    senders_.spawn("audit-send", send(std::move(batch)));
  }
  if (deps_.outbox->unsent() == 0) {
    gathered_ = false;
    timer_.reset();
  } else if (!timer_ && !gathered_) {
    timer_ = deps_.clock->schedule(deps_.clock->now() + gather_, [this] {
      gathered_ = true;
      auto fired = std::move(timer_);
      pump();
    });
  }
}

Publisher::Batch Publisher::next_batch() {
  Batch batch;
  while (batch.count < kBatchRecordsMax && batch.bytes.size() < kBatchBytesMax) {
    const auto taken = deps_.outbox->take();
    if (!taken.ok()) {
      deps_.log->error("audit-outbox-unreadable", {{"error", taken.error().to_log()}});
      break;
    }
    if (!taken.value()) {
      break;
    }
    const auto& record = *taken.value();
    append_to_batch(batch.bytes, record.payload);
    if (batch.records.empty() || batch.records.back().first != record.segment) {
      batch.records.emplace_back(record.segment, 0U);
    }
    ++batch.records.back().second;
    ++batch.count;
  }
  return batch;
}

Async<void> Publisher::send(std::shared_ptr<Batch> batch) {
  auto sent = co_await publish(batch);
  --in_flight_;
  if (sent.ok()) {
    deps_.outbox->acknowledge(batch->records);
    pump();
  }
  co_return sent;
}

// Again and again until it is stored: a record is never given up while this instance lives.
Async<void> Publisher::publish(std::shared_ptr<Batch> batch) {
  async::Backoff backoff(
      {.first_wait = kPublishFirstWait, .wait_max = kPublishWaitMax}, crypto::random_u64()
  );
  for (;;) {
    auto stored = co_await deps_.transport->publish_durable(
        record_subject(deps_.service), batch->bytes, deps_.clock->now() + kPublishTimeout
    );
    if (stored.ok()) {
      batches_.add();
      if (failing_) {
        failing_ = false;
        deps_.log->info("audit-publish-recovered", {{"backlog", deps_.outbox->backlog()}});
      }
      co_return stored;
    }
    if (stored.error().code() == Code::Cancelled) {
      co_return stored;
    }
    failures_.add();
    if (!failing_) {
      failing_ = true;
      deps_.log->warn("audit-publish-failing", {{"error", stored.error().to_log()}});
    }
    const auto wait = backoff.next();
    if (deps_.clock->now() + wait >= give_up_) {
      co_return Error(Code::Cancelled, "the instance stops; another one publishes its records");
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, wait));
  }
}

Async<void> Publisher::stop(TimePoint deadline) {
  stopping_ = true;
  give_up_ = deadline;
  pump();
  const auto timer = deps_.clock->schedule(deadline, [this] {
    started_ = false;
    senders_.cancel();
  });
  auto closed = co_await senders_.close();
  started_ = false;
  timer_.reset();
  co_return closed;
}

Async<void> Publisher::adopt(std::string root, std::function<void(const Adopted&)> on_adopted) {
  auto orphans = Orphan::find(root, kOrphansPerScanMax);
  for (Orphan& orphan : orphans) {
    Adopted adopted{.instance = orphan.instance()};
    SLUICE_CO_CHECK_OK(co_await adopt_one(&orphan, &adopted));
    orphan.remove();
    adopted_.add(static_cast<double>(adopted.records));
    on_adopted(adopted);
  }
  co_return Result<void>();
}

Async<void> Publisher::adopt_one(Orphan* orphan, Adopted* adopted) {
  for (bool more = true; more;) {
    auto batch = std::make_shared<Batch>();
    while (batch->count < kBatchRecordsMax && batch->bytes.size() < kBatchBytesMax) {
      SLUICE_CO_TRY(const auto record, orphan->next());
      if (!record) {
        more = false;
        break;
      }
      append_to_batch(batch->bytes, *record);
      ++batch->count;
    }
    if (batch->count > 0) {
      SLUICE_CO_CHECK_OK(co_await publish(batch));
      adopted->records += batch->count;
    }
  }
  adopted->torn = orphan->torn();
  adopted->damaged = orphan->damaged();
  co_return Result<void>();
}

}  // namespace sluice::audit
