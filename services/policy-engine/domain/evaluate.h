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
  std::string rule;    // what decided: "files.tools_to_execute", "preset.manual", "rules.<id>", …
  std::string reason;  // one sentence for the caller
};

// Layer 1 and filters first, for a script's call whether the server is offered to scripts, then the
// base verdict of README.md#rules, then the rules of the settings, which only tighten it. Without
// arguments, as in a listing, rules with conditions on them do not apply.
[[nodiscard]] Ruling evaluate(
    const Policy& policy,
    const Caller& caller,
    const CatalogTool& tool,
    CallArguments* arguments = nullptr
);

// The same ruling with everything that was looked at.
[[nodiscard]] policy::v1::Explanation explain(
    const Policy& policy,
    const Caller& caller,
    const CatalogTool& tool,
    CallArguments* arguments = nullptr
);

// The verdict before the rules of the settings, of whoever may call the tool.
[[nodiscard]] Ruling base_ruling(
    const Policy& policy, const ServerPolicy& server, const CatalogTool& tool
);

// A server whose resources, prompts or completion are asked for.
struct AskedServer {
  const std::string& name;
  const AddedPolicy& added = nullptr;
};

// The same for the server's resources, prompts and completion: its rules and the filters on
// servers, then manual, as a read, then the rules of the settings that name no tools. Only what is
// asked for explicitly is carried out; a rule that asks for an approval refuses it.
[[nodiscard]] Ruling evaluate_read(
    const Policy& policy,
    const Caller& caller,
    const AskedServer& asked,
    CallArguments* params = nullptr
);

// What the operator says of a server: the file's word, else what came when it was added by API;
// nullptr: nothing, so that nobody may use it.
[[nodiscard]] const ServerPolicy* policy_of(
    const Policy& policy, std::string_view server, const AddedPolicy& added
);

// Of a call of a tool the catalog does not hold.
[[nodiscard]] Ruling unknown_tool();

// Of scripts, executed explicitly or unattended.
[[nodiscard]] bool is_code_mode(policy::v1::Mode mode);

// Whether a call of that verdict runs now. An explicit execution, of the call or of the script that
// makes it, is the caller's consent to a manual call; an agent has no such consent, nor has a
// script that runs unattended.
[[nodiscard]] bool may_run(policy::v1::Mode mode, policy::v1::Verdict verdict);

}  // namespace sluice::policy_engine
