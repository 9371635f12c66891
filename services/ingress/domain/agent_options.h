// How a request wants its chat run: whether tools may run by themselves, and how often. Pure.
#pragma once

#include "common/base/result.h"
#include "common/http/message.h"

#include <cstddef>
#include <string_view>

namespace sluice::ingress {

// Rounds of automatic calls the request allows; 0: none, the caller executes everything itself.
// Headers x-sluice-mode ("manual" or "agent") and x-sluice-max-depth, and the body's own member
// sluice {"mode":…,"max_depth":…} (own_member: its raw JSON, or empty) may each say less than
// depth_max, which is the operator's; none of them says more. Errors: Invalid.
[[nodiscard]] Result<std::size_t> agent_depth_of(
    const http::Headers& headers, std::string_view own_member, std::size_t depth_max
);

}  // namespace sluice::ingress
