#include "services/policy-engine/adapters/pg_approval_store.h"

#include "services/policy-engine/adapters/pg_webhook_store.h"
#include "services/policy-engine/adapters/policy_change.h"
#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/limits.h"

#include "common/grant/policy_names.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::policy_engine {
namespace {

using policy::v1::Approval;
using postgres::Binary;
using postgres::Parameter;
using postgres::Transaction;

// What a new approval counts against, and which retries find it, is decided by one at a time for
// each principal.
constexpr std::string_view kLockPrincipal =
    "SELECT pg_advisory_xact_lock(hashtextextended('policy.approvals/' || $1 || '/' || $2, 0))";
constexpr std::string_view kFindSame =
    "SELECT id FROM policy.approvals WHERE call_key = $1 AND state IN ('pending', 'approved', "
    "'denied', 'granted') AND expires_at > timestamptz 'epoch' + $2::bigint * interval '1 "
    "millisecond' ORDER BY created_at DESC LIMIT 1";
constexpr std::string_view kCountPending =
    "SELECT count(*) FROM policy.approvals WHERE tenant = $1 AND principal = $2 AND state = "
    "'pending' AND expires_at > timestamptz 'epoch' + $3::bigint * interval '1 millisecond'";
constexpr std::string_view kInsert =
    "INSERT INTO policy.approvals (id, tenant, principal, server, tool, required, request, "
    "call_key, hop, created_at, expires_at, state, route) VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "nullif($8::bytea, ''::bytea), $9::bigint, timestamptz 'epoch' + $10::bigint * interval '1 "
    "millisecond', timestamptz 'epoch' + $11::bigint * interval '1 millisecond', $12, $13)";
constexpr std::string_view kSelect =
    "SELECT request, state, coalesce(grant_id, ''::bytea), coalesce((extract(epoch FROM "
    "grant_not_after) * 1000)::bigint, 0), end_reason, hop, route FROM policy.approvals WHERE id = "
    "$1";
constexpr std::string_view kSelectAnswers =
    "SELECT principal, approve, reason, (extract(epoch FROM answered_at) * 1000)::bigint FROM "
    "policy.approval_answers WHERE approval_id = $1 ORDER BY position";
constexpr std::string_view kUpdate =
    "UPDATE policy.approvals SET state = $2, grant_id = nullif($3::bytea, ''::bytea), "
    "grant_not_after = CASE WHEN $3::bytea = ''::bytea THEN NULL ELSE timestamptz 'epoch' + "
    "$4::bigint * interval '1 millisecond' END, end_reason = $5 WHERE id = $1";
constexpr std::string_view kInsertAnswer =
    "INSERT INTO policy.approval_answers (approval_id, position, principal, approve, reason, "
    "answered_at) VALUES ($1, $2::bigint::integer, $3, $4::boolean, $5, timestamptz 'epoch' + "
    "$6::bigint * interval '1 millisecond')";
// Newest first, as far as one reply carries, the first one always; and how many there are of one
// more than was asked for.
constexpr std::string_view kList =
    "SELECT id, total FROM (SELECT id, count(*) OVER () AS total, row_number() OVER newest AS "
    "place, sum(octet_length(request)) OVER newest AS bytes FROM (SELECT id, created_at, request "
    "FROM policy.approvals WHERE tenant = $1 AND ($2 = '' OR principal = $2) AND ($3 = '' OR state "
    "= $3) AND ($4 = '' OR (created_at, id) < (SELECT a.created_at, a.id FROM policy.approvals a "
    "WHERE a.id = $4 AND a.tenant = $1)) ORDER BY created_at DESC, id DESC LIMIT $5::bigint) page "
    "WINDOW newest AS (ORDER BY created_at DESC, id DESC)) numbered WHERE place = 1 OR bytes <= "
    "$6::bigint ORDER BY place";
constexpr std::string_view kDue =
    "SELECT id FROM policy.approvals WHERE state IN ('pending', 'approved') AND expires_at <= "
    "timestamptz 'epoch' + $1::bigint * interval '1 millisecond' ORDER BY expires_at LIMIT "
    "$2::bigint";
// The definition an approval is for stands in its request, as 32 bytes that occur nowhere else.
constexpr std::string_view kOfQuarantined =
    "SELECT a.id FROM policy.approvals a JOIN policy.pins p ON p.server = a.server AND p.tool = "
    "a.tool WHERE p.offered_hash IS NOT NULL AND a.state IN ('pending', 'approved') AND "
    "position(p.offered_hash IN a.request) = 0 LIMIT $1::bigint";
constexpr std::string_view kForget =
    "DELETE FROM policy.approvals WHERE id IN (SELECT id FROM policy.approvals WHERE state NOT IN "
    "('pending', 'approved') AND expires_at <= timestamptz 'epoch' + $1::bigint * interval '1 "
    "millisecond' LIMIT $2::bigint)";
constexpr std::string_view kClaim =
    "UPDATE policy.outbox SET claimed_until = clock_timestamp() + $1::bigint * interval '1 "
    "millisecond' WHERE event_id IN (SELECT event_id FROM policy.outbox WHERE claimed_until < "
    "clock_timestamp() ORDER BY event_id LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING "
    "event_id::text, record";
constexpr std::string_view kRemove = "DELETE FROM policy.outbox WHERE event_id = $1::uuid";

Result<void> done(const Result<std::unique_ptr<postgres::Rows>>& rows) {
  return rows.ok() ? Result<void>() : Result<void>(rows.error());
}

Result<std::optional<StoredApproval>> load(
    Transaction& transaction, const std::string& id, std::string_view lock
) {
  SLUICE_TRY(const auto rows, transaction.query(std::string(kSelect) + std::string(lock), {id}));
  if (rows->size() == 0) {
    return std::optional<StoredApproval>();
  }
  const postgres::Row& row = rows->at(0);
  StoredApproval stored;
  const auto state = policy::v1::approval_state_named(row.text(1));
  if (!stored.approval.ParseFromString(row.bytes(0)) || !state) {
    return Error(Code::Internal, "a stored approval cannot be read; report this").with_detail(id);
  }
  stored.approval.set_state(*state);
  stored.approval.set_grant_id(row.bytes(2));
  stored.grant_not_after_unix_ms = row.integer(3);
  stored.approval.set_end_reason(row.text(4));
  stored.hop = static_cast<std::uint32_t>(row.integer(5));
  stored.route = row.text(6);
  SLUICE_TRY(const auto answers, transaction.query(kSelectAnswers, {id}));
  for (std::size_t i = 0; i < answers->size(); ++i) {
    policy::v1::ApprovalAnswer* const answer = stored.approval.add_answers();
    answer->set_principal(answers->at(i).text(0));
    answer->set_approve(answers->at(i).flag(1));
    answer->set_reason(answers->at(i).text(2));
    answer->set_answered_unix_ms(answers->at(i).integer(3));
  }
  return std::optional(std::move(stored));
}

// Of an approval whose state is new.
Result<void> add_event(
    Transaction& transaction,
    const WebhookPtr& webhook,
    const Approval& approval,
    const ChangeRecords& records
) {
  if (webhook == nullptr) {
    return {};
  }
  const auto event = webhook_event_of(*webhook, approval, records);
  return event ? add_webhook_event(transaction, *event) : Result<void>();
}

Result<void> insert(
    Transaction& transaction,
    const NewApproval& asked,
    const std::string& key,
    const WebhookPtr& webhook
) {
  const Approval& approval = asked.stored.approval;
  SLUICE_CHECK_OK(done(transaction.query(
      kInsert,
      {approval.id(),
       approval.tenant(),
       approval.principal(),
       approval.server(),
       approval.tool(),
       std::string(name_of(approval.required())),
       Binary{approval.SerializeAsString()},
       Binary{key},
       std::int64_t{asked.stored.hop},
       approval.created_unix_ms(),
       approval.expires_unix_ms(),
       std::string(name_of(approval.state())),
       asked.stored.route}
  )));
  SLUICE_CHECK_OK(add_records(transaction, asked.records));
  return add_event(transaction, webhook, approval, asked.records);
}

Result<std::optional<StoredApproval>> find_or_add_one(
    Transaction& transaction, const NewApproval& asked, const WebhookPtr& webhook
) {
  const Approval& approval = asked.stored.approval;
  SLUICE_CHECK_OK(done(transaction.query(kLockPrincipal, {approval.tenant(), approval.principal()}))
  );
  const std::string key = call_key_of(approval);
  if (!key.empty()) {
    SLUICE_TRY(
        const auto same, transaction.query(kFindSame, {Binary{key}, approval.created_unix_ms()})
    );
    if (same->size() > 0) {
      return load(transaction, same->at(0).text(0), "");
    }
  }
  SLUICE_TRY(
      const auto pending,
      transaction.query(
          kCountPending, {approval.tenant(), approval.principal(), approval.created_unix_ms()}
      )
  );
  if (pending->at(0).integer(0) >= kPendingApprovalsMax) {
    return std::optional<StoredApproval>();
  }
  SLUICE_CHECK_OK(insert(transaction, asked, key, webhook));
  return std::optional(asked.stored);
}

Result<void> store(Transaction& transaction, const StoredApproval& stored, int answers_before) {
  const Approval& approval = stored.approval;
  SLUICE_CHECK_OK(done(transaction.query(
      kUpdate,
      {approval.id(),
       std::string(name_of(approval.state())),
       Binary{approval.grant_id()},
       stored.grant_not_after_unix_ms,
       approval.end_reason()}
  )));
  for (int i = answers_before; i < approval.answers_size(); ++i) {
    const policy::v1::ApprovalAnswer& answer = approval.answers(i);
    SLUICE_CHECK_OK(done(transaction.query(
        kInsertAnswer,
        {approval.id(),
         std::int64_t{i},
         answer.principal(),
         answer.approve(),
         answer.reason(),
         answer.answered_unix_ms()}
    )));
  }
  return {};
}

Result<ChangedApproval> change_in(
    Transaction& transaction,
    const std::string& id,
    const ApprovalTransition& transition,
    const WebhookPtr& webhook
) {
  SLUICE_TRY(auto found, load(transaction, id, " FOR UPDATE"));
  if (!found) {
    return Error(Code::NotFound, "there is no such approval: list them again");
  }
  ChangedApproval changed{std::move(*found), false};
  const StoredApproval before = changed.stored;
  const ChangeRecords records = transition(&changed.stored);
  changed.changed = is_changed(before, changed.stored);
  if (changed.changed) {
    SLUICE_CHECK_OK(store(transaction, changed.stored, before.approval.answers_size()));
    SLUICE_CHECK_OK(add_records(transaction, records));
  }
  if (changed.stored.approval.state() != before.approval.state()) {
    SLUICE_CHECK_OK(add_event(transaction, webhook, changed.stored.approval, records));
  }
  return changed;
}

Result<ApprovalPage> list_in(Transaction& transaction, const ApprovalFilter& filter) {
  const std::int64_t wanted = filter.limit;
  SLUICE_TRY(
      const auto ids,
      transaction.query(
          kList,
          {filter.tenant,
           filter.principal,
           std::string(filter.state ? name_of(*filter.state) : ""),
           filter.after,
           wanted + 1,
           std::int64_t{kApprovalsPageBytesMax}}
      )
  );
  ApprovalPage page;
  const std::size_t count = std::min<std::size_t>(ids->size(), filter.limit);
  for (std::size_t i = 0; i < count; ++i) {
    SLUICE_TRY(auto found, load(transaction, ids->at(i).text(0), ""));
    if (found) {
      page.approvals.push_back(std::move(found->approval));
    }
  }
  page.more = count > 0 && ids->at(0).integer(1) > static_cast<std::int64_t>(count);
  return page;
}

Result<std::vector<std::string>> texts_of(Result<std::unique_ptr<postgres::Rows>> rows) {
  SLUICE_TRY(const auto found, std::move(rows));
  std::vector<std::string> texts;
  texts.reserve(found->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    texts.push_back(found->at(i).text(0));
  }
  return texts;
}

Result<std::vector<OutboxRecord>> claim_in(Transaction& transaction) {
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          kClaim, {std::int64_t{kOutboxClaim.count()}, std::int64_t{kOutboxRecordsMax}}
      )
  );
  std::vector<OutboxRecord> claimed;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    OutboxRecord record;
    record.event_id = rows->at(i).text(0);
    if (!record.record.ParseFromString(rows->at(i).bytes(1))) {
      return Error(Code::Internal, "a record of the outbox cannot be read; report this")
          .with_detail(record.event_id);
    }
    claimed.push_back(std::move(record));
  }
  return claimed;
}

}  // namespace

Async<std::vector<std::optional<StoredApproval>>> PgApprovalStore::find_or_add(
    std::vector<NewApproval> asked
) {
  using Found = std::vector<std::optional<StoredApproval>>;
  std::function<Result<Found>(Transaction&)> work =
      [asked = std::move(asked), webhook = webhook()](Transaction& transaction) -> Result<Found> {
    Found found;
    for (const NewApproval& one : asked) {
      SLUICE_TRY(auto stored, find_or_add_one(transaction, one, webhook));
      found.push_back(std::move(stored));
    }
    return found;
  };
  co_return co_await pool_->transact<Found>(std::move(work));
}

Async<ChangedApproval> PgApprovalStore::change(std::string id, ApprovalTransition transition) {
  std::function<Result<ChangedApproval>(Transaction&)> work =
      [id = std::move(id), transition = std::move(transition), webhook = webhook()](
          Transaction& transaction
      ) { return change_in(transaction, id, transition, webhook); };
  co_return co_await pool_->transact<ChangedApproval>(std::move(work));
}

Async<std::optional<StoredApproval>> PgApprovalStore::get(std::string id) {
  std::function<Result<std::optional<StoredApproval>>(Transaction&)> work =
      [id = std::move(id)](Transaction& transaction) { return load(transaction, id, ""); };
  co_return co_await pool_->transact<std::optional<StoredApproval>>(std::move(work));
}

Async<ApprovalPage> PgApprovalStore::list(ApprovalFilter filter) {
  std::function<Result<ApprovalPage>(Transaction&)> work =
      [filter = std::move(filter)](Transaction& transaction) {
        return list_in(transaction, filter);
      };
  co_return co_await pool_->transact<ApprovalPage>(std::move(work));
}

Async<std::vector<std::string>> PgApprovalStore::due(std::int64_t now_unix_ms) {
  std::function<Result<std::vector<std::string>>(Transaction&)> work = [now_unix_ms](
                                                                           Transaction& transaction
                                                                       ) {
    return texts_of(transaction.query(kDue, {now_unix_ms, std::int64_t{kApprovalsPerSweepMax}}));
  };
  co_return co_await pool_->transact<std::vector<std::string>>(std::move(work));
}

Async<std::vector<std::string>> PgApprovalStore::of_quarantined() {
  std::function<Result<std::vector<std::string>>(Transaction&)> work = [](Transaction& transaction
                                                                       ) {
    return texts_of(transaction.query(kOfQuarantined, {std::int64_t{kApprovalsPerSweepMax}}));
  };
  co_return co_await pool_->transact<std::vector<std::string>>(std::move(work));
}

Async<void> PgApprovalStore::forget(std::int64_t expired_before_unix_ms) {
  std::function<Result<void>(Transaction&)> work = [expired_before_unix_ms](Transaction& transaction
                                                   ) {
    return done(
        transaction.query(kForget, {expired_before_unix_ms, std::int64_t{kApprovalsPerSweepMax}})
    );
  };
  co_return co_await pool_->run(std::move(work));
}

Async<std::vector<OutboxRecord>> PgApprovalStore::claim_records() {
  std::function<Result<std::vector<OutboxRecord>>(Transaction&)> work = &claim_in;
  co_return co_await pool_->transact<std::vector<OutboxRecord>>(std::move(work));
}

Async<void> PgApprovalStore::remove_records(std::vector<std::string> event_ids) {
  std::function<Result<void>(Transaction&)> work =
      [event_ids = std::move(event_ids)](Transaction& transaction) -> Result<void> {
    for (const std::string& id : event_ids) {
      SLUICE_CHECK_OK(done(transaction.query(kRemove, {id})));
    }
    return {};
  };
  co_return co_await pool_->run(std::move(work));
}

}  // namespace sluice::policy_engine
