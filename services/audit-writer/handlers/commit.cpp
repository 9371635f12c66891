#include "services/audit-writer/handlers/commit.h"

#include "services/audit-writer/limits.h"

#include "common/audit/record.h"

namespace sluice::audit_writer {
namespace {

constexpr std::size_t kGrantIdBytesMax = 64;  // migrations/0001, CHECK of audit.grant_uses

Result<Intent> intent_of(const audit::v1::CommitRequest& request) {
  auto record = store_form(request.record());
  if (!record.ok()) {
    return Error(Code::Invalid, "the intent cannot be recorded: " + record.error().message());
  }
  if (record.value().fields.action() != audit::kToolIntent) {
    return Error(
        Code::Invalid,
        "only records with action tool.intent are committed; send others to the stream"
    );
  }
  if (request.grant_id().size() > kGrantIdBytesMax) {
    return Error(Code::Invalid, "the grant id is longer than 64 bytes");
  }
  return Intent{std::move(record).value(), request.grant_id()};
}

}  // namespace

CommitHandler::CommitHandler(Deps deps)
    : deps_(deps),
      queue_(kCommitBatchMax, kCommitsWaitingMax),
      committed_(deps.metrics->counter(
          "sluice_audit_writer_intents_committed_total", "intents committed, repeats too"
      )),
      refused_(deps.metrics->counter(
          "sluice_audit_writer_intents_refused_total", "intents whose grant was used or void"
      )),
      batch_size_(deps.metrics->histogram(
          "sluice_audit_writer_commit_batch_records",
          "intents per transaction",
          {1, 2, 4, 8, 16, 32, 64}
      )) {}

Async<audit::v1::CommitReply> CommitHandler::operator()(
    audit::v1::CommitRequest request, RequestContext context
) {
  SLUICE_CO_TRY(Intent intent, intent_of(request));
  const auto waiting = std::make_shared<Waiting>();
  waiting->intent = std::move(intent);
  waiting->deadline = context.deadline;
  if (!queue_.add(waiting)) {
    co_return Error(
        Code::Exhausted, "too many intents wait for the database; retry with the same event id"
    )
        .with_retry_after(std::chrono::milliseconds(100));
  }
  if (wake_ != nullptr) {
    wake_->set({});
  }
  SLUICE_CO_TRY(const IntentResult result, co_await waiting->done.wait());
  if (result.changed) {
    co_return Error(
        Code::Conflict, "this event id was committed with other content; make a new record"
    );
  }
  audit::v1::CommitReply reply;
  reply.set_committed(result.committed);
  reply.set_used_by_event_id(result.used_by_event_id);
  (result.committed ? committed_ : refused_).add();
  co_return reply;
}

Async<void> CommitHandler::run() {
  for (;;) {
    if (queue_.empty()) {
      async::OneShot<void> wake;
      wake_ = &wake;
      const auto woken = co_await wake.wait();
      wake_ = nullptr;
      SLUICE_CO_CHECK_OK(woken);
    }
    SLUICE_CO_CHECK_OK(co_await commit(queue_.take()));
  }
}

// Errors: Cancelled only; what the database says goes to whoever waits.
Async<void> CommitHandler::commit(std::vector<std::shared_ptr<Waiting>> batch) {
  std::vector<Intent> intents;
  std::vector<std::shared_ptr<Waiting>> alive;
  for (auto& waiting : batch) {
    if (waiting->deadline <= deps_.clock->now()) {
      // Its caller has gone: a grant used now would be used for nothing.
      waiting->done.set(Error(
          Code::Deadline,
          "the intent waited too long for the database; retry with the same event id"
      ));
      continue;
    }
    intents.push_back(waiting->intent);
    alive.push_back(std::move(waiting));
  }
  if (alive.empty()) {
    co_return Result<void>();
  }
  batch_size_.observe(static_cast<double>(alive.size()));
  const auto results = co_await deps_.store->commit_intents(std::move(intents));
  if (results.ok()) {
    SLUICE_CHECK(results.value().size() == alive.size(), "one result per intent");
    for (std::size_t i = 0; i < alive.size(); ++i) {
      alive[i]->done.set(results.value()[i]);
    }
    co_return Result<void>();
  }
  const Error& error = results.error();
  if (error.code() == Code::Conflict || error.code() == Code::Internal ||
      error.code() == Code::Invalid) {
    deps_.log->error("commit-failed", {{"intents", alive.size()}, {"error", error.to_log()}});
    if (alive.size() > 1) {
      // One of them is at fault: each by itself, so that the others are not refused with it.
      for (auto& waiting : alive) {
        std::vector<std::shared_ptr<Waiting>> single;
        single.push_back(std::move(waiting));
        SLUICE_CO_CHECK_OK(co_await commit(std::move(single)));
      }
      co_return Result<void>();
    }
  }
  for (auto& waiting : alive) {
    waiting->done.set(Error(error));
  }
  if (error.code() == Code::Cancelled) {
    co_return error;
  }
  co_return Result<void>();
}

}  // namespace sluice::audit_writer
