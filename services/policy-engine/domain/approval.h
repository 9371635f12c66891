// Approvals: the permission of people for one call, bound to its arguments, definition, route and
// caller. What may become of one, as pure functions; ApprovalStore keeps them, ApprovalGate and the
// handlers apply them.
//
// pending → approved (by one person, or by two) | denied | expired | void; approved → granted |
// expired | void; granted → granted again, when its grant was certainly not used | expired.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/policy.h"

#include "common/async/request_context.h"
#include "common/base/error.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// An approval as it is stored: with what no caller is shown.
struct StoredApproval {
  policy::v1::Approval approval;  // arguments: secrets masked
  std::int64_t grant_not_after_unix_ms = 0;
  std::uint32_t hop = 0;  // of its records within the chain
  std::string route;      // of its server when it was asked for; empty: of a server of the file
};

// Whether anything of it is different.
[[nodiscard]] bool is_changed(const StoredApproval& before, const StoredApproval& now);

// Records of a change, each with an event id of its own.
using ChangeRecords = std::vector<audit::v1::Record>;

// A call that needs an approval. All outlive the call of new_approval().
struct ApprovalNeed {
  const VerifiedCaller* caller = nullptr;
  const RequestContext* context = nullptr;
  const policy::v1::ToolCall* call = nullptr;
  const policy::v1::Decision* decision = nullptr;  // verdict approve or approve_twice
  policy::v1::Mode mode = policy::v1::MODE_UNSPECIFIED;
  int index = 0;  // within the request
};

// Pending, with an id that cannot be guessed.
[[nodiscard]] StoredApproval new_approval(const ApprovalNeed& need, std::int64_t now_unix_ms);

// 32 bytes, equal for retries of the same call; "" for a call without a tool call id and a path,
// which is like no other.
[[nodiscard]] std::string call_key_of(const policy::v1::Approval& approval);

[[nodiscard]] audit::v1::Record created_record(
    const StoredApproval& stored, std::int64_t now_unix_ms
);

struct Answer {
  std::string tenant;
  std::string principal;
  std::string key_id;
  bool approve = false;
  std::string reason;
  std::int64_t now_unix_ms = 0;
  ApprovalRules rules;
};

// What came of an answer or a use besides the approval's new state.
struct Answered {
  ChangeRecords records;
  std::optional<Error> refused;
};

// A repeat of the same answer by the same person changes nothing. refused: NotFound (of another
// tenant), Denied (the requester's own), Conflict (it has ended, or has all it needs).
[[nodiscard]] Answered answer_approval(StoredApproval* stored, const Answer& answer);

// A caller comes with an approval for a call, and what policy says of that call now.
struct ApprovalUse {
  std::string tenant;
  std::string principal;
  policy::v1::ToolCall call;  // arguments: empty
  std::string args_digest;
  std::string route;              // of the call's server now; empty: of the file, or not known
  policy::v1::Decision decision;  // without regard to the approval
  std::string grant_id;           // the one this decision would have
  std::int64_t grant_not_after_unix_ms = 0;
  std::string voided_grant_id;  // audit-writer has made it void: it was not used and cannot be
  std::int64_t now_unix_ms = 0;
};

enum class UseEnd : std::uint8_t {
  Grant,    // under ApprovalUse.grant_id: the first time, or once more for the same decision
  Wait,     // people have not answered yet
  Refuse,   // rule and reason say why
  Earlier,  // earlier_grant_id has it: the trail says what came of that
  Outlived  // earlier_grant_id has it and its time is over: make it void, and use again
};

struct Used {
  UseEnd end = UseEnd::Refuse;
  policy::v1::Verdict required = policy::v1::VERDICT_DENY;  // Wait: of the approval
  std::string rule;
  std::string reason;
  std::string earlier_grant_id;
  ChangeRecords records;
};

[[nodiscard]] Used use_approval(StoredApproval* stored, const ApprovalUse& use);

// What a caller without such an approval gets.
[[nodiscard]] Used use_of_unknown();

// Ends what nobody answered or used in time; nothing otherwise.
[[nodiscard]] ChangeRecords expire_approval(StoredApproval* stored, std::int64_t now_unix_ms);

// Ends what is open; nothing otherwise.
[[nodiscard]] ChangeRecords void_approval(
    StoredApproval* stored, std::string reason, std::int64_t now_unix_ms
);

[[nodiscard]] policy::v1::ApprovalChanged changed_event(const policy::v1::Approval& approval);

// Whether the caller may see it: its own, or with the role approver or admin its tenant's.
[[nodiscard]] bool may_see(const VerifiedCaller& caller, const policy::v1::Approval& approval);
[[nodiscard]] bool may_answer_for_others(const VerifiedCaller& caller);

}  // namespace sluice::policy_engine
