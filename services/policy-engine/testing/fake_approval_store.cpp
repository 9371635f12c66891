#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/fakes.h"

#include <algorithm>

namespace sluice::policy_engine {
namespace {

bool is_open(const policy::v1::Approval& approval) {
  return approval.state() == policy::v1::APPROVAL_STATE_PENDING ||
         approval.state() == policy::v1::APPROVAL_STATE_APPROVED;
}

bool is_of_use(const policy::v1::Approval& approval, std::int64_t now_unix_ms) {
  return approval.expires_unix_ms() > now_unix_ms &&
         approval.state() != policy::v1::APPROVAL_STATE_EXPIRED &&
         approval.state() != policy::v1::APPROVAL_STATE_VOID;
}

}  // namespace

Async<std::vector<std::optional<StoredApproval>>> FakeApprovalStore::find_or_add(
    std::vector<NewApproval> asked
) {
  SLUICE_CO_CHECK_OK(step());
  std::vector<std::optional<StoredApproval>> found;
  for (NewApproval& one : asked) {
    found.push_back(find_or_add_one(std::move(one)));
  }
  co_return found;
}

std::optional<StoredApproval> FakeApprovalStore::find_or_add_one(NewApproval asked) {
  const policy::v1::Approval& wanted = asked.stored.approval;
  const std::string key = call_key_of(wanted);
  std::int64_t pending = 0;
  for (auto one = approvals.rbegin(); one != approvals.rend(); ++one) {
    if (!is_of_use(one->approval, wanted.created_unix_ms())) {
      continue;
    }
    if (!key.empty() && call_key_of(one->approval) == key) {
      return *one;
    }
    pending += one->approval.tenant() == wanted.tenant() &&
                       one->approval.principal() == wanted.principal() &&
                       one->approval.state() == policy::v1::APPROVAL_STATE_PENDING
                   ? 1
                   : 0;
  }
  if (pending >= kPendingApprovalsMax) {
    return std::nullopt;
  }
  approvals.push_back(asked.stored);
  add_records(asked.records);
  return asked.stored;
}

Async<ChangedApproval> FakeApprovalStore::change(std::string id, ApprovalTransition transition) {
  SLUICE_CO_CHECK_OK(step());
  for (StoredApproval& one : approvals) {
    if (one.approval.id() == id) {
      const StoredApproval before = one;
      const ChangeRecords records = transition(&one);
      const bool changed = is_changed(before, one);
      if (changed) {
        add_records(records);
      }
      co_return ChangedApproval{one, changed};
    }
  }
  co_return Error(Code::NotFound, "there is no such approval: list them again");
}

Async<std::optional<StoredApproval>> FakeApprovalStore::get(std::string id) {
  SLUICE_CO_CHECK_OK(step());
  for (const StoredApproval& one : approvals) {
    if (one.approval.id() == id) {
      co_return one;
    }
  }
  co_return std::optional<StoredApproval>();
}

Async<ApprovalPage> FakeApprovalStore::list(ApprovalFilter filter) {
  SLUICE_CO_CHECK_OK(step());
  ApprovalPage page;
  bool begun = filter.after.empty();
  for (auto one = approvals.rbegin(); one != approvals.rend(); ++one) {
    const policy::v1::Approval& approval = one->approval;
    const bool fits = approval.tenant() == filter.tenant &&
                      (filter.principal.empty() || approval.principal() == filter.principal) &&
                      (!filter.state || approval.state() == *filter.state);
    if (begun && fits) {
      page.more = page.approvals.size() == filter.limit;
      if (page.more) {
        break;
      }
      page.approvals.push_back(approval);
    }
    begun = begun || approval.id() == filter.after;
  }
  co_return page;
}

Async<std::vector<std::string>> FakeApprovalStore::due(std::int64_t now_unix_ms) {
  SLUICE_CO_CHECK_OK(step());
  std::vector<std::string> ids;
  for (const StoredApproval& one : approvals) {
    if (is_open(one.approval) && one.approval.expires_unix_ms() <= now_unix_ms) {
      ids.push_back(one.approval.id());
    }
  }
  co_return ids;
}

Async<std::vector<std::string>> FakeApprovalStore::of_quarantined() {
  SLUICE_CO_CHECK_OK(step());
  std::vector<std::string> ids;
  for (const StoredApproval& one : approvals) {
    const auto pin = pins == nullptr
                         ? PinsByName::const_iterator()
                         : pins->pins.find({one.approval.server(), one.approval.tool()});
    if (pins != nullptr && is_open(one.approval) && pin != pins->pins.end() &&
        pin->second.is_quarantined() &&
        pin->second.offered_hash != one.approval.definition_hash()) {
      ids.push_back(one.approval.id());
    }
  }
  co_return ids;
}

Async<void> FakeApprovalStore::forget(std::int64_t expired_before_unix_ms) {
  SLUICE_CO_CHECK_OK(step());
  std::erase_if(approvals, [expired_before_unix_ms](const StoredApproval& one) {
    return !is_open(one.approval) && one.approval.expires_unix_ms() <= expired_before_unix_ms;
  });
  co_return Result<void>();
}

Async<std::vector<OutboxRecord>> FakeApprovalStore::claim_records() {
  SLUICE_CO_CHECK_OK(step());
  std::vector<OutboxRecord> claimed = outbox;
  claimed.resize(std::min(claimed.size(), kOutboxRecordsMax));
  co_return claimed;
}

Async<void> FakeApprovalStore::remove_records(std::vector<std::string> event_ids) {
  SLUICE_CO_CHECK_OK(step());
  std::erase_if(outbox, [&event_ids](const OutboxRecord& one) {
    return std::find(event_ids.begin(), event_ids.end(), one.event_id) != event_ids.end();
  });
  co_return Result<void>();
}

std::vector<std::string> FakeApprovalStore::actions() const {
  std::vector<std::string> actions;
  for (const OutboxRecord& one : outbox) {
    actions.push_back(one.record.action());
  }
  return actions;
}

void FakeApprovalStore::add_records(const ChangeRecords& records) {
  for (const audit::v1::Record& record : records) {
    outbox.push_back({record.event_id(), record});
  }
}

Async<audit::v1::VoidGrantReply> FakeGrantUses::void_grant(
    audit::v1::VoidGrantRequest request, RequestContext
) {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  audit::v1::VoidGrantReply reply;
  if (std::find(used.begin(), used.end(), request.grant_id()) != used.end()) {
    reply.set_used_by_event_id("019b0000-0000-7000-8000-000000000001");
    co_return reply;
  }
  voided.push_back(request.grant_id());
  reply.set_voided(true);
  co_return reply;
}

}  // namespace sluice::policy_engine
