// policy: how long approvals last and whose count.
#include "services/policy-engine/config.h"
#include "services/policy-engine/limits.h"

namespace sluice::policy_engine {

ApprovalRules read_approval_rules(config::Section& policy) {
  constexpr std::int64_t kMsPerSecond = 1'000;
  ApprovalRules rules;
  rules.ttl_ms =
      kMsPerSecond * policy.integer(
                         "approval_ttl_s",
                         {.fallback = kApprovalTtlDefault,
                          .min = kApprovalTtlMin,
                          .max = kApprovalTtlMax,
                          .unit = "s",
                          .description = "How long an approval can be given and used after a call "
                                         "asked for it."}
                     );
  rules.approver_may_be_requester = policy.flag(
      "approver_may_be_requester",
      {.fallback = false,
       .description = "Whether who asked for an approval may answer it too, given the role."}
  );
  rules.twice_by_one_person = policy.flag(
      "approve_twice_by_one_person",
      {.fallback = false,
       .description = "Whether one person may give both approvals of approve_twice."}
  );
  return rules;
}

}  // namespace sluice::policy_engine
