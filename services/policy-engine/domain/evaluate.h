// What a caller may do with a tool, and with what else a server offers. Listing and deciding both
// ask here.
#pragma once

#include "services/policy-engine/domain/catalog.h"
#include "services/policy-engine/domain/policy.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <string_view>

namespace sluice::policy_engine {

// Who asks: the claims of a verified token, the key behind them as it is now, and what the request
// narrows to. All outlive the call.
struct Caller {
  const policy::v1::CallerClaims* claims = nullptr;
  const CallerKey* key = nullptr;
  const policy::v1::ToolFilter* request_filter = nullptr;
  policy::v1::Mode mode = policy::v1::MODE_UNSPECIFIED;  // of a call; unspecified: a listing
};

struct Ruling {
  policy::v1::Verdict verdict = policy::v1::VERDICT_DENY;
  policy::v1::EffectClass effect = policy::v1::EFFECT_CLASS_UNSPECIFIED;
  std::string rule;    // which rule decided: "files.tools_to_execute", "preset.manual", …
  std::string reason;  // one sentence for the caller
};

// Layer 1 and filters first, for a script's call whether the server is offered to scripts, then the
// base verdict of README.md#rules.
[[nodiscard]] Ruling evaluate(const Policy& policy, const Caller& caller, const CatalogTool& tool);

// The same for the server's resources, prompts and completion: its rules and the filters on
// servers, then manual, as a read. Only what is asked for explicitly is carried out.
[[nodiscard]] Ruling evaluate_read(
    const Policy& policy,
    const Caller& caller,
    const std::string& server,
    const AddedPolicy& added = nullptr
);

// What the operator says of a server: the file's word, else what came when it was added by API;
// nullptr: nothing, so that nobody may use it.
[[nodiscard]] const ServerPolicy* policy_of(
    const Policy& policy, std::string_view server, const AddedPolicy& added
);

// Whether a call of that verdict runs now. An explicit execution, of the call or of the script that
// makes it, is the caller's consent to a manual call; an agent has no such consent.
[[nodiscard]] bool may_run(policy::v1::Mode mode, policy::v1::Verdict verdict);

// "auto", "manual", "approve", "approve_twice", "deny".
[[nodiscard]] std::string_view name_of(policy::v1::Verdict verdict);

}  // namespace sluice::policy_engine
