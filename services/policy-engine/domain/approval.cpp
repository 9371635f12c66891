#include "services/policy-engine/domain/approval.h"

#include "services/policy-engine/domain/effect_class.h"
#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/limits.h"

#include "common/audit/client.h"
#include "common/audit/redact.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/grant/policy_names.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

using policy::v1::Approval;
using policy::v1::ApprovalState;

constexpr std::string_view kIdPrefix = "apr_";
constexpr std::size_t kIdCharacters = 26;  // 5 random bits each
// Rules by which policy says that the catalog is not the one a call was made from: no verdict on
// the call.
constexpr std::string_view kCatalogRules = "catalog.";

constexpr std::string_view kNotAnsweredInTime =
    "the approval was not answered in time: make the call without it, to ask for a new one";
constexpr std::string_view kNotUsedInTime =
    "the approval was not used in time: make the call without it, to ask for a new one";

std::string new_id() {
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  constexpr unsigned kMask = 31;
  std::string id(kIdPrefix);
  for (const char byte : crypto::random_bytes(kIdCharacters)) {
    id.push_back(kAlphabet[static_cast<unsigned char>(byte) & kMask]);
  }
  return id;
}

bool is_open(const Approval& approval) {
  return approval.state() == policy::v1::APPROVAL_STATE_PENDING ||
         approval.state() == policy::v1::APPROVAL_STATE_APPROVED;
}

int answers_needed(const Approval& approval) {
  return approval.required() == policy::v1::VERDICT_APPROVE_TWICE ? 2 : 1;
}

audit::v1::Record record_of(
    const StoredApproval& stored, std::string_view action, std::int64_t now_unix_ms
) {
  const Approval& approval = stored.approval;
  audit::v1::Record record;
  record.set_event_id(crypto::uuid_v7(now_unix_ms));
  record.set_action(std::string(action));
  record.set_tenant(approval.tenant());
  record.set_principal(approval.principal());
  record.set_agent(approval.agent());
  record.set_key_id(approval.key_id());
  record.set_chain_id(approval.chain_id());
  record.set_hop(stored.hop);
  record.set_run_id(approval.run_id());
  record.set_server(approval.server());
  record.set_tool(approval.tool());
  record.set_definition_hash(approval.definition_hash());
  record.set_tool_call_id(approval.tool_call_id());
  record.set_policy_version(approval.policy_version());
  record.set_rule(approval.rule());
  record.set_decision(std::string(name_of(approval.required())));
  record.set_approval_id(approval.id());
  record.set_effect_class(std::string(name_of(approval.effect_class())));
  record.set_args_digest(approval.args_digest());
  return record;
}

ChangeRecords end(
    StoredApproval* stored, ApprovalState state, std::string reason, std::int64_t now_unix_ms
) {
  stored->approval.set_state(state);
  stored->approval.set_end_reason(std::move(reason));
  audit::v1::Record record =
      record_of(*stored, "approval." + std::string(name_of(state)), now_unix_ms);
  record.set_reason(stored->approval.end_reason());
  return {std::move(record)};
}

Used refuse(std::string_view what, std::string reason, ChangeRecords records = {}) {
  Used used;
  used.rule = "approval." + std::string(what);
  used.reason = std::move(reason);
  used.records = std::move(records);
  return used;
}

Used refuse_ended(const Approval& approval) {
  const std::string name(name_of(approval.state()));
  return refuse(name, approval.end_reason());
}

std::string denial_of(const policy::v1::ApprovalAnswer& answer) {
  std::string reason = "denied by " + answer.principal();
  return answer.reason().empty() ? reason : reason + ": " + answer.reason();
}

std::string waiting_for(const Approval& approval) {
  const int missing = answers_needed(approval) - approval.answers_size();
  return missing > 1                   ? "the approvals of two people have not been given yet"
         : approval.answers_size() > 0 ? "the approval of a second person has not been given yet"
                                       : "the approval has not been given yet";
}

// What the approval was given for and is not what would happen now; "" where it is.
std::string difference(const StoredApproval& stored, const ApprovalUse& use) {
  const Approval& approval = stored.approval;
  if (use.call.server_id() != approval.server_id()) {
    return "the tool's server is another one than when the approval was asked for: make the call "
           "without the approval, to ask for a new one";
  }
  if (!use.route.empty() && use.route != stored.route) {
    return "the tool's server is reached in another way than when the approval was asked for: make "
           "the call without the approval, to ask for a new one";
  }
  if (use.call.definition_hash() != approval.definition_hash()) {
    return "the tool's definition has changed since the approval was asked for: make the call "
           "without the approval, to ask for a new one";
  }
  return {};
}

bool is_catalog_rule(const policy::v1::Decision& decision) {
  return decision.rule().starts_with(kCatalogRules);
}

// What policy says of the call now is more than the approval gives.
std::optional<Used> stricter(const Approval& approval, const ApprovalUse& use) {
  if (use.decision.verdict() <= approval.required()) {
    return std::nullopt;
  }
  if (is_catalog_rule(use.decision)) {
    Used used;
    used.rule = use.decision.rule();
    used.reason = use.decision.reason();
    return used;
  }
  return refuse(
      "void",
      "policy is stricter now than when the approval was asked for (" + use.decision.rule() +
          "): " + use.decision.reason()
  );
}

Used grant(StoredApproval* stored, const ApprovalUse& use, bool first) {
  stored->approval.set_state(policy::v1::APPROVAL_STATE_GRANTED);
  stored->approval.set_grant_id(use.grant_id);
  stored->grant_not_after_unix_ms =
      std::max(stored->grant_not_after_unix_ms, use.grant_not_after_unix_ms);
  Used used;
  used.end = UseEnd::Grant;
  if (first) {
    audit::v1::Record record = record_of(*stored, "approval.granted", use.now_unix_ms);
    record.set_grant_id(use.grant_id);
    used.records.push_back(std::move(record));
  }
  return used;
}

// An approval whose grant was signed before.
Used use_again(StoredApproval* stored, const ApprovalUse& use) {
  const Approval& approval = stored->approval;
  if (const std::string changed = difference(*stored, use); !changed.empty()) {
    return refuse("void", changed);
  }
  if (auto refused = stricter(approval, use)) {
    return std::move(*refused);
  }
  const bool expired = use.now_unix_ms >= approval.expires_unix_ms();
  if (approval.grant_id() == use.grant_id && !expired) {
    return grant(stored, use, false);
  }
  Used used;
  used.end = UseEnd::Earlier;
  used.rule = "approval.used";
  used.reason = "the approval has been used for this call: its result is what the trail has";
  used.earlier_grant_id = approval.grant_id();
  if (use.now_unix_ms < stored->grant_not_after_unix_ms + kGrantSettleMs) {
    return used;
  }
  if (approval.effect_class() == policy::v1::EFFECT_CLASS_READ) {  // whose grants leave no trace
    return refuse(
        "used", "the approval has been used: make the call without it, to ask for a new one"
    );
  }
  if (use.voided_grant_id != approval.grant_id()) {
    used.end = UseEnd::Outlived;
    return used;
  }
  if (expired) {
    ChangeRecords records =
        end(stored, policy::v1::APPROVAL_STATE_EXPIRED, std::string(kNotUsedInTime), use.now_unix_ms
        );
    return refuse("expired", approval.end_reason(), std::move(records));
  }
  return grant(stored, use, true);
}

bool is_same_call(const Approval& approval, const ApprovalUse& use) {
  return use.call.server() == approval.server() && use.call.tool() == approval.tool() &&
         use.args_digest == approval.args_digest();
}

}  // namespace

bool is_changed(const StoredApproval& before, const StoredApproval& now) {
  return before.grant_not_after_unix_ms != now.grant_not_after_unix_ms ||
         before.approval.SerializeAsString() != now.approval.SerializeAsString();
}

StoredApproval new_approval(const ApprovalNeed& need, std::int64_t now_unix_ms) {
  StoredApproval stored;
  stored.hop = need.context->hop + static_cast<std::uint32_t>(need.index);
  Approval& approval = stored.approval;
  const policy::v1::CallerClaims& claims = need.caller->claims;
  const policy::v1::ToolCall& call = *need.call;
  approval.set_id(new_id());
  approval.set_state(policy::v1::APPROVAL_STATE_PENDING);
  approval.set_tenant(claims.tenant());
  approval.set_principal(claims.principal());
  approval.set_agent(claims.agent());
  approval.set_key_id(claims.key_id());
  approval.set_chain_id(need.context->chain.str());
  approval.set_run_id(need.context->run.str());
  approval.set_tool_call_id(call.tool_call_id());
  approval.set_call_path(call.call_path());
  approval.set_server_id(call.server_id());
  approval.set_server(call.server());
  approval.set_tool(call.tool());
  approval.set_definition_hash(call.definition_hash());
  approval.set_effect_class(need.decision->effect_class());
  approval.set_arguments(audit::redact(call.arguments()));
  approval.set_args_digest(crypto::sha256(call.arguments()));
  approval.set_required(need.decision->verdict());
  approval.set_rule(need.decision->rule());
  approval.set_reason(need.decision->reason());
  approval.set_policy_version(need.caller->policy->version);
  approval.set_mode(need.mode);
  approval.set_created_unix_ms(now_unix_ms);
  approval.set_expires_unix_ms(now_unix_ms + need.caller->policy->policy.approvals.ttl_ms);
  return stored;
}

std::string call_key_of(const Approval& approval) {
  if (approval.tool_call_id().empty() && approval.call_path().empty()) {
    return {};
  }
  crypto::Sha256 digest;
  digest.field(approval.tenant())
      .field(approval.principal())
      .field(approval.server_id())
      .field(approval.server())
      .field(approval.tool())
      .field(approval.definition_hash())
      .field(approval.args_digest())
      .field(approval.tool_call_id())
      // A script that is executed again under its tool call id makes the same calls again.
      .field(approval.tool_call_id().empty() ? approval.run_id() : "")
      .field(approval.call_path());
  return digest.finish();
}

audit::v1::Record created_record(const StoredApproval& stored, std::int64_t now_unix_ms) {
  audit::v1::Record record = record_of(stored, "approval.created", now_unix_ms);
  record.set_reason(stored.approval.reason());
  record.set_body(stored.approval.arguments());
  return record;
}

Answered answer_approval(StoredApproval* stored, const Answer& answer) {
  Approval& approval = stored->approval;
  Answered result;
  if (answer.tenant != approval.tenant()) {
    result.refused = Error(Code::NotFound, "there is no such approval: list them again");
    return result;
  }
  if (answer.principal == approval.principal() && !answer.rules.approver_may_be_requester) {
    result.refused =
        Error(Code::Denied, "who asked for an approval does not answer it: somebody else has to");
    return result;
  }
  const auto& answers = approval.answers();
  const auto same = std::find_if(answers.rbegin(), answers.rend(), [&answer](const auto& given) {
    return given.principal() == answer.principal && given.approve() == answer.approve;
  });
  const bool pending = approval.state() == policy::v1::APPROVAL_STATE_PENDING;
  // The bus may repeat a request; a person who may be both of two has to come back.
  const bool counts_again = pending && answer.rules.twice_by_one_person && same != answers.rend() &&
                            answer.now_unix_ms - same->answered_unix_ms() >= kSecondAnswerAfterMs;
  if (same != answers.rend() && !counts_again) {
    return result;
  }
  result.records = expire_approval(stored, answer.now_unix_ms);
  if (approval.state() != policy::v1::APPROVAL_STATE_PENDING) {
    result.refused = Error(
        Code::Conflict,
        "the approval is " + std::string(name_of(approval.state())) +
            " already and takes no more answers: look at it again"
    );
    return result;
  }
  policy::v1::ApprovalAnswer* const given = approval.add_answers();
  given->set_principal(answer.principal);
  given->set_approve(answer.approve);
  given->set_reason(answer.reason);
  given->set_answered_unix_ms(answer.now_unix_ms);
  if (!answer.approve) {
    approval.set_state(policy::v1::APPROVAL_STATE_DENIED);
    approval.set_end_reason(denial_of(*given));
  } else if (approval.answers_size() >= answers_needed(approval)) {
    approval.set_state(policy::v1::APPROVAL_STATE_APPROVED);
  }
  audit::v1::Record record = record_of(*stored, "approval.answered", answer.now_unix_ms);
  record.set_principal(answer.principal);
  record.set_key_id(answer.key_id);
  record.clear_agent();
  record.set_reason(answer.reason);
  record.set_detail(
      std::string(answer.approve ? "approve" : "deny") + " for " + approval.principal() + ": " +
      std::string(name_of(approval.state()))
  );
  result.records.push_back(std::move(record));
  return result;
}

Used use_of_unknown() {
  return refuse(
      "unknown",
      "you have no such approval: make the call without one, to ask for an approval where it needs "
      "one"
  );
}

Used use_approval(StoredApproval* stored, const ApprovalUse& use) {
  Approval& approval = stored->approval;
  if (use.tenant != approval.tenant() || use.principal != approval.principal()) {
    return use_of_unknown();
  }
  if (!is_same_call(approval, use)) {
    return refuse(
        "other_call",
        "the approval is for another call, with another tool or other arguments: send exactly the "
        "call that was approved, or make this one without an approval"
    );
  }
  if (approval.state() == policy::v1::APPROVAL_STATE_GRANTED) {
    return use_again(stored, use);
  }
  if (!is_open(approval)) {
    return refuse_ended(approval);
  }
  ChangeRecords records = expire_approval(stored, use.now_unix_ms);
  if (!is_open(approval)) {
    return refuse("expired", approval.end_reason(), std::move(records));
  }
  if (std::string changed = difference(*stored, use); !changed.empty()) {
    records = end(stored, policy::v1::APPROVAL_STATE_VOID, std::move(changed), use.now_unix_ms);
    return refuse("void", approval.end_reason(), std::move(records));
  }
  if (auto refused = stricter(approval, use)) {
    if (!is_catalog_rule(use.decision)) {
      refused->records =
          end(stored, policy::v1::APPROVAL_STATE_VOID, refused->reason, use.now_unix_ms);
    }
    return std::move(*refused);
  }
  if (approval.state() == policy::v1::APPROVAL_STATE_PENDING) {
    Used used;
    used.end = UseEnd::Wait;
    used.required = approval.required();
    used.rule = approval.rule();
    used.reason = waiting_for(approval);
    return used;
  }
  return grant(stored, use, true);
}

ChangeRecords expire_approval(StoredApproval* stored, std::int64_t now_unix_ms) {
  if (now_unix_ms < stored->approval.expires_unix_ms() || !is_open(stored->approval)) {
    return {};
  }
  const bool pending = stored->approval.state() == policy::v1::APPROVAL_STATE_PENDING;
  return end(
      stored,
      policy::v1::APPROVAL_STATE_EXPIRED,
      std::string(pending ? kNotAnsweredInTime : kNotUsedInTime),
      now_unix_ms
  );
}

ChangeRecords void_approval(StoredApproval* stored, std::string reason, std::int64_t now_unix_ms) {
  if (!is_open(stored->approval)) {
    return {};
  }
  return end(stored, policy::v1::APPROVAL_STATE_VOID, std::move(reason), now_unix_ms);
}

policy::v1::ApprovalChanged changed_event(const Approval& approval) {
  policy::v1::ApprovalChanged event;
  event.set_id(approval.id());
  event.set_state(approval.state());
  event.set_tenant(approval.tenant());
  event.set_principal(approval.principal());
  event.set_server(approval.server());
  event.set_tool(approval.tool());
  return event;
}

bool may_answer_for_others(const VerifiedCaller& caller) {
  const auto& roles = caller.claims.roles();
  return std::any_of(roles.begin(), roles.end(), [](const std::string& role) {
    return role == "approver" || role == "admin";
  });
}

bool may_see(const VerifiedCaller& caller, const Approval& approval) {
  return caller.claims.tenant() == approval.tenant() &&
         (caller.claims.principal() == approval.principal() || may_answer_for_others(caller));
}

}  // namespace sluice::policy_engine
