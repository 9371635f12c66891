// The audit record of one decision.
#pragma once

#include "services/policy-engine/domain/caller_check.h"

#include "common/async/request_context.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

struct DecidedCall {
  const policy::v1::DecideRequest* request = nullptr;  // all outlive the call
  const policy::v1::DecideReply* reply = nullptr;
  int index = 0;
};

// The caller is the one of the token, whatever the context says. The first call's record has the
// context's hop, each further one the next.
[[nodiscard]] audit::v1::Record decision_record(
    const DecidedCall& call, const VerifiedCaller& caller, const RequestContext& context
);

}  // namespace sluice::policy_engine
