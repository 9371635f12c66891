#include "common/audit/client.h"

#include "common/async/one_shot.h"
#include "common/async/retry.h"
#include "common/audit/limits.h"
#include "common/audit/outbox.h"
#include "common/audit/publisher.h"
#include "common/audit/record.h"
#include "common/base/bytes.h"
#include "common/crypto/random.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <list>

namespace sluice::audit {
namespace {

constexpr std::size_t kInstanceRandomBytes = 4;

class OutboxClient final : public Client {
 public:
  OutboxClient(Deps deps, Options options, Producer producer, std::unique_ptr<Outbox> outbox)
      : deps_(std::move(deps)),
        options_(std::move(options)),
        producer_(std::move(producer)),
        outbox_(std::move(outbox)),
        publisher_(
            {.executor = deps_.executor,
             .clock = deps_.clock,
             .log = deps_.log,
             .metrics = deps_.metrics,
             .transport = deps_.transport,
             .outbox = outbox_.get(),
             .service = deps_.service},
            options_.gather
        ),
        records_(
            deps_.metrics->counter("sluice_audit_records_total", "records appended to the outbox")
        ),
        refused_(deps_.metrics->counter(
            "sluice_audit_refused_records_total", "records refused: outbox full"
        )),
        bytes_gauge_(deps_.metrics->gauge("sluice_audit_outbox_bytes", "size of the outbox files")),
        backlog_gauge_(
            deps_.metrics->gauge("sluice_audit_backlog_records", "records not acknowledged yet")
        ),
        write_seconds_(deps_.metrics->histogram(
            "sluice_audit_outbox_write_seconds",
            "one write of the outbox: everything recorded in a turn of the loop",
            {5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2}
        )) {}

  Result<std::string> record(v1::Record&& record) override;
  Async<void> written() override;
  Async<v1::CommitReply> commit(v1::Record intent, std::string grant_id, RequestContext context)
      override;

  [[nodiscard]] bool full() const override { return outbox_->full(); }

  [[nodiscard]] std::uint64_t backlog() const override { return outbox_->backlog(); }

  Async<void> run() override;

 private:
  // Ends the hold of an intent's frame on every way out of commit().
  class Held {
   public:
    Held(OutboxClient* client, Position position) : client_(client), position_(position) {
      client_->outbox_->hold(position_);
    }

    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    Held(Held&&) = delete;
    Held& operator=(Held&&) = delete;

    ~Held() {
      client_->outbox_->resolve(position_, delivered_);
      client_->publisher_.pump();
    }

    void delivered() { delivered_ = true; }

   private:
    OutboxClient* client_;
    Position position_;
    bool delivered_ = false;
  };

  [[nodiscard]] Times times() const;
  Result<Position> append(v1::Record& record);
  void schedule_flush();
  void flush();
  Async<v1::CommitReply> ask_commit(v1::CommitRequest request, RequestContext context);
  Async<void> adopt_loop();
  void report_adopted(const Publisher::Adopted& adopted);
  void set_gauges();

  Deps deps_;
  Options options_;
  Producer producer_;
  std::unique_ptr<Outbox> outbox_;
  Publisher publisher_;
  std::uint64_t sequence_ = 0;
  bool flush_scheduled_ = false;
  bool write_failing_ = false;
  std::list<async::OneShot<void>*> waiters_;
  std::shared_ptr<OutboxClient*> self_ = std::make_shared<OutboxClient*>(this);
  observability::Counter& records_;
  observability::Counter& refused_;
  observability::Gauge& bytes_gauge_;
  observability::Gauge& backlog_gauge_;
  observability::Histogram& write_seconds_;
};

Times OutboxClient::times() const {
  return {
      deps_.clock->unix_ms(),
      std::chrono::duration_cast<std::chrono::nanoseconds>(deps_.clock->now().time_since_epoch())
          .count()
  };
}

Result<Position> OutboxClient::append(v1::Record& record) {
  if (outbox_->full()) {
    refused_.add();
    return Error(Code::Unavailable, "the audit outbox is full or cannot be written; retry later")
        .with_retry_after(std::chrono::seconds(1));
  }
  complete(record, producer_, sequence_ + 1, times());
  const std::size_t size = record.ByteSizeLong();
  if (size > kRecordBytesMax) {
    return Error(Code::Internal, "an audit record is too large").with_detail(record.action());
  }
  std::string& buffer = outbox_->begin_frame();
  const std::size_t begin = buffer.size();
  buffer.resize(begin + size);
  record.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(buffer.data() + begin));
  ++sequence_;
  records_.add();
  const Position position = outbox_->commit_frame();
  schedule_flush();
  return position;
}

Result<std::string> OutboxClient::record(v1::Record&& record) {
  SLUICE_TRY([[maybe_unused]] const Position position, append(record));
  return std::move(*record.mutable_event_id());
}

// The flush runs behind everything that is ready in this turn, so that one write serves all of it.
void OutboxClient::schedule_flush() {
  if (flush_scheduled_) {
    return;
  }
  flush_scheduled_ = true;
  boost::asio::post(deps_.executor, [weak = std::weak_ptr<OutboxClient*>(self_)] {
    if (const auto self = weak.lock()) {
      (*self)->flush();
    }
  });
}

void OutboxClient::flush() {
  flush_scheduled_ = false;
  const TimePoint begun = deps_.clock->now();
  const auto written = outbox_->flush();
  write_seconds_.observe(std::chrono::duration<double>(deps_.clock->now() - begun).count());
  if (!written.ok() && !write_failing_) {
    deps_.log->error("audit-outbox-write-failed", {{"error", written.error().to_log()}});
  }
  write_failing_ = !written.ok();
  for (auto* waiter : std::exchange(waiters_, {})) {
    waiter->set_now(written);
  }
  publisher_.pump();
}

Async<void> OutboxClient::written() {
  if (!outbox_->has_pending()) {
    co_return Result<void>();
  }
  async::OneShot<void> done;
  waiters_.push_back(&done);
  schedule_flush();
  auto result = co_await done.wait();
  waiters_.remove(&done);
  co_return result;
}

Async<v1::CommitReply> OutboxClient::commit(
    v1::Record intent, std::string grant_id, RequestContext context
) {
  if (intent.deadline_unix_ms() == 0) {
    const auto left = context.deadline - deps_.clock->now();
    intent.set_deadline_unix_ms(
        deps_.clock->unix_ms() + std::chrono::duration_cast<std::chrono::milliseconds>(left).count()
    );
  }
  SLUICE_CO_TRY(const Position position, append(intent));
  Held held(this, position);
  v1::CommitRequest request;
  request.set_record(intent.SerializeAsString());
  request.set_grant_id(std::move(grant_id));
  SLUICE_CO_CHECK_OK(co_await written());
  auto reply = co_await ask_commit(std::move(request), std::move(context));
  if (reply.ok() && reply.value().committed()) {
    held.delivered();
  }
  co_return reply;
}

Async<v1::CommitReply> OutboxClient::ask_commit(v1::CommitRequest request, RequestContext context) {
  async::Backoff backoff(
      {.first_wait = kCommitFirstWait, .wait_max = kCommitWaitMax}, crypto::random_u64()
  );
  for (;;) {
    auto reply = co_await deps_.bus->call(endpoints::kAuditCommit, request, context);
    if (reply.ok()) {
      co_return reply;
    }
    const Code code = reply.error().code();
    const bool again = async::is_retryable(code) || code == Code::Deadline;
    const auto wait = backoff.next();
    if (!again || deps_.clock->now() + wait >= context.deadline) {
      co_return reply;
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, wait));
  }
}

Async<void> OutboxClient::run() {
  async::TaskGroup tasks(
      deps_.executor,
      [log = deps_.log](std::string_view name, const Error& error) {
        log->error("audit-task-failed", {{"task", name}, {"error", error.to_log()}});
      }
  );
  tasks.spawn("audit-adopt", adopt_loop());
  publisher_.start();
  while ((co_await async::sleep_for(deps_.clock, kTick)).ok()) {
    if (outbox_->has_pending()) {
      flush();
    }
    set_gauges();
  }
  // Cancelled: what follows has its own deadline.
  co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  SLUICE_CO_CHECK_OK(co_await tasks.cancel_and_close());
  flush();
  SLUICE_CO_CHECK_OK(co_await publisher_.stop(deps_.clock->now() + kFinalDrain));
  set_gauges();
  if (outbox_->backlog() > 0) {
    deps_.log->warn(
        "audit-outbox-left", {{"records", outbox_->backlog()}, {"directory", outbox_->directory()}}
    );
  }
  co_return Result<void>();
}

Async<void> OutboxClient::adopt_loop() {
  for (;;) {
    const auto adopted = co_await publisher_.adopt(
        options_.outbox_directory,
        [this](const Publisher::Adopted& found) { report_adopted(found); }
    );
    if (!adopted.ok()) {
      if (adopted.error().code() == Code::Cancelled) {
        co_return adopted;
      }
      deps_.log->warn("audit-adoption-failed", {{"error", adopted.error().to_log()}});
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, options_.adopt_every));
  }
}

void OutboxClient::report_adopted(const Publisher::Adopted& adopted) {
  deps_.log->info(
      "audit-outbox-adopted",
      {{"instance", adopted.instance},
       {"records", adopted.records},
       {"torn", adopted.torn},
       {"damaged", adopted.damaged}}
  );
  if (adopted.torn == 0 && adopted.damaged == 0) {
    return;
  }
  v1::Record record;
  record.set_action("service.outbox_torn");
  record.set_outcome(v1::OUTCOME_UNKNOWN);
  record.set_detail(
      "outbox of " + adopted.instance + ": " + std::to_string(adopted.records) +
      " records adopted, " + std::to_string(adopted.torn) + " incomplete at its end, " +
      std::to_string(adopted.damaged) + " files damaged"
  );
  if (const auto kept = append(record); !kept.ok()) {
    deps_.log->error(
        "audit-outbox-torn", {{"instance", adopted.instance}, {"error", kept.error().to_log()}}
    );
  }
}

void OutboxClient::set_gauges() {
  bytes_gauge_.set(static_cast<double>(outbox_->bytes()));
  backlog_gauge_.set(static_cast<double>(outbox_->backlog()));
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(Deps deps, Options options) {
  const std::string instance =
      deps.service + "-" + to_hex(crypto::random_bytes(kInstanceRandomBytes));
  SLUICE_TRY(
      auto outbox, Outbox::open(options.outbox_directory, instance, options.outbox_bytes_max)
  );
  Producer producer{deps.service, instance, static_cast<std::uint64_t>(deps.clock->unix_ms())};
  return std::unique_ptr<Client>(std::make_unique<OutboxClient>(
      std::move(deps), std::move(options), std::move(producer), std::move(outbox)
  ));
}

}  // namespace sluice::audit
