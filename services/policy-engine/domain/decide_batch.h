// Decides a whole request against one policy and one catalog, and makes the grants. Pure: the time
// is in the request.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/catalog.h"
#include "services/policy-engine/domain/evaluate.h"

#include "common/async/request_context.h"
#include "common/crypto/ed25519.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// Errors: Invalid (number of calls, decision id, decision time, mode, a call's method or at_least,
// one that is no tools/call and names a tool, arguments that are no canonical JSON object), with
// what to do.
[[nodiscard]] Result<void> check_request(
    const policy::v1::DecideRequest& request, std::int64_t now_unix_ms
);

// Errors: Unavailable (a call names a tool of a server whose tools nobody knows at the moment).
[[nodiscard]] Result<void> check_servers(
    const policy::v1::DecideRequest& request, const Catalog& catalog
);

// Whether a call names a server, a tool or a definition that this catalog does not hold: a newer
// one may.
[[nodiscard]] bool needs_newer_catalog(
    const policy::v1::DecideRequest& request, const Catalog& catalog
);

// Under which id a call is decided. A request with one id: that and the call's place. A request
// with one for each call: the call's own, as if it were decided alone.
struct DecisionKey {
  std::string id;
  std::uint32_t index = 0;
};

[[nodiscard]] DecisionKey decision_key_of(const policy::v1::DecideRequest& request, int index);

// The caller's own word on a call: no laxer verdict than at_least.
[[nodiscard]] Ruling at_least(Ruling ruling, const policy::v1::ToolCall& call);

// Errors: Invalid (decision_unix_ms too old or in the future).
[[nodiscard]] Result<void> check_decision_time(
    const policy::v1::DecideRequest& request, std::int64_t now_unix_ms
);

struct Batch {
  const VerifiedCaller* caller = nullptr;  // all outlive the call
  const Catalog* catalog = nullptr;
  const policy::v1::DecideRequest* request = nullptr;
  const RequestContext* context = nullptr;
  const crypto::PrivateKey* grant_key = nullptr;
};

// One decision per call, in their order. A call that may run now carries its grant: for the same
// request always the same id and the same end. One that comes with an approval carries none: that
// is ApprovalGate's.
[[nodiscard]] policy::v1::DecideReply decide_batch(const Batch& batch);

// Those that count the call of a tool, of that effect: none for other requests.
[[nodiscard]] std::vector<LimitCounter> counters_of_call(
    const Batch& batch, int index, policy::v1::EffectClass effect
);

// The id that a grant of that call has, with its approval.
[[nodiscard]] std::string grant_id_of(const Batch& batch, int index);

// What the policy says of a tool call, with arguments or, null, as a listing would. No grant.
[[nodiscard]] Ruling rule_on_tool(
    const Batch& batch, const policy::v1::ToolCall& call, CallArguments* arguments
);

// Signs the grant of a call for its decision.
void add_grant(const Batch& batch, int index, policy::v1::Decision* decision);

}  // namespace sluice::policy_engine
