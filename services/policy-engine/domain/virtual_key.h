// A key as the API shows and takes it (policy.v1.VirtualKey), and as the policy holds it.
#pragma once

#include "services/policy-engine/domain/policy.h"

#include "common/base/result.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <string_view>

namespace sluice::policy_engine {

// [A-Za-z0-9_.-]{1,64}: of keys, and of tenants.
[[nodiscard]] bool is_key_id(std::string_view text);

[[nodiscard]] policy::v1::VirtualKey shown(const CallerKey& key);

// Without digest. What the reply fills in is not read, but the origin, where there is one.
[[nodiscard]] CallerKey caller_key_of(const policy::v1::VirtualKey& key);

// The same of what an admin sent. No id is one that is yet to be made. Errors: Invalid (every
// fault, one a line).
[[nodiscard]] Result<CallerKey> checked_key(
    const policy::v1::VirtualKey& key, std::int64_t now_unix_ms
);

}  // namespace sluice::policy_engine
