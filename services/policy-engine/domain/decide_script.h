// Decides the tools that a script can call, before it runs. Pure: no grant, no approval, no place
// in a limit; each call of the run is decided again with its arguments.
#pragma once

#include "services/policy-engine/domain/decide_batch.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <cstdint>
#include <string>

namespace sluice::policy_engine {

// Errors: Invalid (calls beside the script, mode, decision time, run id, digest, life, number of
// tools; a tool with arguments or without a name), with what to do.
[[nodiscard]] Result<void> check_script(
    const policy::v1::DecideRequest& request,
    const RequestContext& context,
    std::int64_t now_unix_ms
);

// The request as if the script's tools were its calls, for check_servers(), needs_newer_catalog()
// and decide_script().
[[nodiscard]] policy::v1::DecideRequest with_calls_of_script(policy::v1::DecideRequest request);

// One decision per tool, in their order. The batch's request is one of with_calls_of_script().
[[nodiscard]] policy::v1::DecideReply decide_script(const Batch& batch);

// Claims of the run's token: the caller's, for as long as the run may last but no longer than the
// caller's own credential where that ends within its token's life.
[[nodiscard]] policy::v1::CallerClaims run_claims(
    const policy::v1::CallerClaims& caller,
    const policy::v1::ScriptRun& script,
    std::int64_t now_unix_ms
);

// policy.script: the strictest verdict, its rule, and the tools with theirs as far as there is
// room.
[[nodiscard]] audit::v1::Record script_record(
    const Batch& batch, const policy::v1::DecideReply& reply
);

}  // namespace sluice::policy_engine
