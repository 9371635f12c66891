// Names of policy's enumerations, as settings, records and HTTP bodies have them. In the namespace
// of the enumerations, so that name_of(value) is found wherever one is.
#pragma once

#include "proto/sluice/policy/v1/policy.pb.h"

#include <optional>
#include <string_view>

namespace sluice::policy::v1 {

// "auto", "manual", "approve", "approve_twice", "deny"; like the others "" for unspecified.
[[nodiscard]] std::string_view name_of(Verdict verdict);

// "read", "write", "delete".
[[nodiscard]] std::string_view name_of(EffectClass effect);
[[nodiscard]] std::optional<EffectClass> effect_class_named(std::string_view name);

// "manual", "agent", "code".
[[nodiscard]] std::string_view name_of(Mode mode);
[[nodiscard]] std::optional<Mode> mode_named(std::string_view name);

// "pending", "approved", "denied", "expired", "granted", "void".
[[nodiscard]] std::string_view name_of(ApprovalState state);
[[nodiscard]] std::optional<ApprovalState> approval_state_named(std::string_view name);

}  // namespace sluice::policy::v1
