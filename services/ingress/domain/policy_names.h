// Names of policy's enumerations, as in HTTP bodies and in the settings.
#pragma once

#include "proto/sluice/policy/v1/policy.pb.h"

#include <optional>
#include <string_view>

namespace sluice::ingress {

// "auto", "manual", "approve", "approve_twice", "deny"; "" for unspecified.
[[nodiscard]] std::string_view name_of(policy::v1::Verdict verdict);
// "read", "write", "delete"; "" for unspecified.
[[nodiscard]] std::string_view name_of(policy::v1::EffectClass effect);
// Of "manual", "agent", "code".
[[nodiscard]] std::optional<policy::v1::Mode> mode_named(std::string_view name);

}  // namespace sluice::ingress
