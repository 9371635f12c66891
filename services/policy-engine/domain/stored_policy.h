// StoredPolicy: what admins added by API, which is part of the policy beside the settings file.
#pragma once

#include "services/policy-engine/domain/policy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::policy_engine {

struct StoredPolicy {
  std::uint64_t revision = 0;   // goes up with every change by an admin
  std::vector<CallerKey> keys;  // not revoked, sorted by id; each has an origin
};

// The policy with that stored policy in place of the one it holds. A key of the file comes first:
// a stored one with its id or its text is left out.
[[nodiscard]] Policy with_stored(Policy policy, const StoredPolicy& stored);

// Ids of stored keys that with_stored() left out.
[[nodiscard]] std::vector<std::string> hidden_keys(
    const Policy& policy, const StoredPolicy& stored
);

}  // namespace sluice::policy_engine
