#include "services/policy-engine/adapters/pg_webhook_store.h"

#include "services/policy-engine/limits.h"

#include <memory>
#include <utility>

namespace sluice::policy_engine {
namespace {

using postgres::Binary;
using postgres::Transaction;

constexpr std::string_view kInsert =
    "INSERT INTO policy.webhook_events (event_id, approval_id, tenant, type, body, created_at) "
    "VALUES ($1::uuid, $2, $3, $4, $5, timestamptz 'epoch' + $6::bigint * interval '1 "
    "millisecond')";
constexpr std::string_view kColumns =
    " RETURNING event_id::text, approval_id, tenant, type, body, (extract(epoch FROM created_at) * "
    "1000)::bigint, attempts::bigint";
constexpr std::string_view kClaim =
    "UPDATE policy.webhook_events SET attempts = attempts + 1, due_at = clock_timestamp() + "
    "$1::bigint * interval '1 millisecond' WHERE event_id IN (SELECT event_id FROM "
    "policy.webhook_events WHERE due_at < clock_timestamp() ORDER BY due_at, event_id LIMIT "
    "$2::bigint FOR UPDATE SKIP LOCKED)";
constexpr std::string_view kRemove = "DELETE FROM policy.webhook_events WHERE event_id = $1::uuid";
constexpr std::string_view kPutOff =
    "UPDATE policy.webhook_events SET due_at = clock_timestamp() + $2::bigint * interval '1 "
    "millisecond' WHERE event_id = $1::uuid";
constexpr std::string_view kGiveUp =
    "DELETE FROM policy.webhook_events WHERE event_id IN (SELECT event_id FROM (SELECT event_id, "
    "created_at, row_number() OVER (ORDER BY created_at DESC, event_id DESC) AS place FROM "
    "policy.webhook_events) counted WHERE created_at < timestamptz 'epoch' + $1::bigint * interval "
    "'1 millisecond' OR place > $2::bigint ORDER BY created_at LIMIT $3::bigint)";

Result<void> done(const Result<std::unique_ptr<postgres::Rows>>& rows) {
  return rows.ok() ? Result<void>() : Result<void>(rows.error());
}

Result<std::vector<WebhookEvent>> events_of(Result<std::unique_ptr<postgres::Rows>> rows) {
  SLUICE_TRY(const auto found, std::move(rows));
  std::vector<WebhookEvent> events;
  events.reserve(found->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    const postgres::Row& row = found->at(i);
    WebhookEvent event;
    event.id = row.text(0);
    event.approval_id = row.text(1);
    event.tenant = row.text(2);
    event.type = row.text(3);
    event.body = row.bytes(4);
    event.created_unix_ms = row.integer(5);
    event.attempts = static_cast<int>(row.integer(6));
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace

Result<void> add_webhook_event(Transaction& transaction, const WebhookEvent& event) {
  return done(transaction.query(
      kInsert,
      {event.id,
       event.approval_id,
       event.tenant,
       event.type,
       Binary{event.body},
       event.created_unix_ms}
  ));
}

Async<std::vector<WebhookEvent>> PgWebhookStore::claim() {
  std::function<Result<std::vector<WebhookEvent>>(Transaction&)> work = [](Transaction& transaction
                                                                        ) {
    return events_of(transaction.query(
        std::string(kClaim).append(kColumns),
        {std::int64_t{kWebhookClaim.count()}, static_cast<std::int64_t>(kWebhooksAtOnce)}
    ));
  };
  co_return co_await pool_->transact<std::vector<WebhookEvent>>(std::move(work));
}

Async<void> PgWebhookStore::remove(std::string id) {
  std::function<Result<void>(Transaction&)> work = [id = std::move(id)](Transaction& transaction) {
    return done(transaction.query(kRemove, {id}));
  };
  co_return co_await pool_->run(std::move(work));
}

Async<void> PgWebhookStore::put_off(std::string id, std::chrono::milliseconds wait) {
  std::function<Result<void>(Transaction&)> work = [id = std::move(id),
                                                    wait](Transaction& transaction) {
    return done(transaction.query(kPutOff, {id, std::int64_t{wait.count()}}));
  };
  co_return co_await pool_->run(std::move(work));
}

Async<std::vector<WebhookEvent>> PgWebhookStore::give_up(std::int64_t created_before_unix_ms) {
  std::function<Result<std::vector<WebhookEvent>>(Transaction&)> work =
      [created_before_unix_ms](Transaction& transaction) {
        return events_of(transaction.query(
            std::string(kGiveUp).append(kColumns),
            {created_before_unix_ms, kWebhookEventsMax, kWebhookGivenUpPerSweepMax}
        ));
      };
  co_return co_await pool_->transact<std::vector<WebhookEvent>>(std::move(work));
}

}  // namespace sluice::policy_engine
