#include "services/policy-engine/domain/approval_gate.h"

#include "services/policy-engine/domain/approval_events.h"
#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"
#include "common/crypto/sha256.h"
#include "common/grant/grant.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

bool needs_approval(const policy::v1::Decision& decision) {
  return decision.verdict() == policy::v1::VERDICT_APPROVE ||
         decision.verdict() == policy::v1::VERDICT_APPROVE_TWICE;
}

Error unreachable(const Error& error) {
  return Error(
             Code::Unavailable,
             "the call needs an approval, and approvals cannot be read at the moment: try again in "
             "a few seconds"
  )
      .with_detail(error.to_log())
      .with_retry_after(std::chrono::seconds(1));
}

void refuse(policy::v1::Decision* decision, std::string rule, std::string reason) {
  decision->set_verdict(policy::v1::VERDICT_DENY);
  decision->set_rule(std::move(rule));
  decision->set_reason(std::move(reason));
}

// What is found for a call that came without an approval.
void show(const std::optional<StoredApproval>& found, policy::v1::Decision* decision) {
  if (!found) {
    refuse(
        decision,
        "approval.pending_max",
        "too many of your calls wait for approvals: have some answered first"
    );
    return;
  }
  const policy::v1::Approval& approval = found->approval;
  decision->set_approval_id(approval.id());
  if (approval.state() == policy::v1::APPROVAL_STATE_DENIED) {
    refuse(decision, "approval.denied", approval.end_reason());
  }
}

bool is_given(const policy::v1::Approval& approval) {
  return approval.state() == policy::v1::APPROVAL_STATE_APPROVED ||
         approval.state() == policy::v1::APPROVAL_STATE_GRANTED;
}

std::string route_of(const Batch& batch, const policy::v1::ToolCall& call) {
  const CatalogServer* const server = batch.catalog->find_server(call.server_id());
  return server != nullptr ? server->route : std::string();
}

// A call that needs an approval and comes without.
struct Asked {
  int index = 0;
  NewApproval approval;
};

std::vector<Asked> asked_of(
    const Batch& batch, policy::v1::DecideReply* reply, std::int64_t now_unix_ms
) {
  std::vector<Asked> asked;
  for (int i = 0; i < reply->decisions_size(); ++i) {
    const policy::v1::ToolCall& call = batch.request->calls(i);
    policy::v1::Decision* const decision = reply->mutable_decisions(i);
    if (!call.approval_id().empty() || !needs_approval(*decision)) {
      continue;
    }
    if (call.arguments().size() > kApprovalArgumentsBytesMax) {
      refuse(
          decision,
          "approval.arguments_max",
          "the call needs an approval, and its arguments are too large for a person to read: send "
          "at most " +
              std::to_string(kApprovalArgumentsBytesMax) + " bytes"
      );
      continue;
    }
    StoredApproval stored = new_approval(
        {batch.caller, batch.context, &call, decision, batch.request->mode(), i}, now_unix_ms
    );
    stored.route = route_of(batch, call);
    ChangeRecords records{created_record(stored, now_unix_ms)};
    asked.push_back({i, {std::move(stored), std::move(records)}});
  }
  return asked;
}

ApprovalUse use_for(const Batch& batch, int index, const policy::v1::Decision& decision) {
  const policy::v1::ToolCall& call = batch.request->calls(index);
  ApprovalUse use;
  use.tenant = batch.caller->claims.tenant();
  use.principal = batch.caller->claims.principal();
  use.call = call;
  use.call.clear_arguments();
  use.args_digest = crypto::sha256(call.arguments());
  use.route = route_of(batch, call);
  use.decision = decision;
  use.grant_id = grant_id_of(batch, index);
  use.grant_not_after_unix_ms = batch.request->decision_unix_ms() + grant::kGrantLifeMs;
  return use;
}

}  // namespace

TimePoint ApprovalGate::deadline_of(const Batch& batch) const {
  return std::min<TimePoint>(batch.context->deadline, deps_.clock->now() + kApprovalTimeout);
}

Async<policy::v1::DecideReply> ApprovalGate::apply(
    const Batch* batch, policy::v1::DecideReply reply, TakenPlaces* taken
) {
  SLUICE_CO_TRY(const std::vector<int> approved, co_await ask(batch, &reply));
  policy::v1::DecideRequest request = *batch->request;
  for (const int index : approved) {
    request.mutable_calls(index)->set_approval_id(reply.decisions(index).approval_id());
  }
  Batch with_ids = *batch;
  with_ids.request = &request;
  for (const int index : approved) {
    SLUICE_CO_CHECK_OK(
        co_await deps_.limits->take(&with_ids, index, reply.mutable_decisions(index), taken)
    );
  }
  for (int i = 0; i < reply.decisions_size(); ++i) {
    if (!request.calls(i).approval_id().empty() && !is_limit_rule(reply.decisions(i).rule())) {
      SLUICE_CO_CHECK_OK(co_await spend(&with_ids, i, reply.mutable_decisions(i)));
    }
  }
  co_return reply;
}

Async<std::vector<int>> ApprovalGate::ask(const Batch* batch, policy::v1::DecideReply* reply) {
  std::vector<Asked> asked = asked_of(*batch, reply, deps_.clock->unix_ms());
  if (asked.empty()) {
    co_return std::vector<int>();
  }
  std::vector<NewApproval> approvals;
  for (const Asked& one : asked) {
    approvals.push_back(one.approval);
  }
  const auto found = co_await async::with_deadline(
      deps_.clock, deadline_of(*batch), deps_.store->find_or_add(std::move(approvals))
  );
  if (!found.ok()) {
    co_return unreachable(found.error());
  }
  std::vector<int> approved;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& one = found.value().at(i);
    show(one, reply->mutable_decisions(asked[i].index));
    if (one && one->approval.id() == asked[i].approval.stored.approval.id()) {
      tell(deps_.events, deps_.log, one->approval);
    } else if (one && is_code_mode(batch->request->mode()) && is_given(one->approval)) {
      approved.push_back(asked[i].index);
    }
  }
  co_return approved;
}

Async<void> ApprovalGate::spend(const Batch* batch, int index, policy::v1::Decision* decision) {
  const std::string approval_id = batch->request->calls(index).approval_id();
  const TimePoint deadline = deadline_of(*batch);
  ApprovalUse use = use_for(*batch, index, *decision);
  SLUICE_CO_TRY(
      Used used, co_await async::with_deadline(deps_.clock, deadline, use_of(approval_id, use))
  );
  if (used.end == UseEnd::Outlived) {
    SLUICE_CO_TRY(
        const bool voided,
        co_await void_grant(used.earlier_grant_id, batch->context->with_deadline(deadline))
    );
    if (voided) {
      use.voided_grant_id = used.earlier_grant_id;
      SLUICE_CO_TRY(
          used, co_await async::with_deadline(deps_.clock, deadline, use_of(approval_id, use))
      );
    }
  }
  decision->set_approval_id(approval_id);
  if (used.end == UseEnd::Grant) {
    add_grant(*batch, index, decision);
    co_return Result<void>();
  }
  decision->set_verdict(used.required);
  decision->set_rule(std::move(used.rule));
  decision->set_reason(std::move(used.reason));
  decision->set_grant_id(std::move(used.earlier_grant_id));
  co_return Result<void>();
}

Async<Used> ApprovalGate::use_of(std::string approval_id, ApprovalUse use) {
  use.now_unix_ms = deps_.clock->unix_ms();
  const auto used = std::make_shared<Used>();
  ApprovalTransition transition = [used, use = std::move(use)](StoredApproval* stored) {
    *used = use_approval(stored, use);
    return used->records;
  };
  const auto changed = co_await deps_.store->change(std::move(approval_id), std::move(transition));
  if (!changed.ok()) {
    if (changed.error().code() == Code::NotFound) {
      co_return use_of_unknown();
    }
    co_return unreachable(changed.error());
  }
  if (changed.value().changed) {
    tell(deps_.events, deps_.log, changed.value().stored.approval);
  }
  co_return std::move(*used);
}

Async<bool> ApprovalGate::void_grant(std::string grant_id, RequestContext context) {
  audit::v1::VoidGrantRequest request;
  request.set_grant_id(std::move(grant_id));
  const auto reply = co_await deps_.grant_uses->void_grant(std::move(request), std::move(context));
  if (!reply.ok()) {
    co_return unreachable(reply.error());
  }
  co_return reply.value().voided();
}

}  // namespace sluice::policy_engine
