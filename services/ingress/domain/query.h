// Query strings: "limit=10&search=file%20system".
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::ingress {

// The first parameter of that name, decoded. nullopt when absent. Errors: Invalid (a bad
// %-sequence).
[[nodiscard]] Result<std::optional<std::string>> query_text(
    std::string_view query, std::string_view name
);

// The same as a number. Errors: Invalid (not a number from 0 to max).
[[nodiscard]] Result<std::size_t> query_number(
    std::string_view query, std::string_view name, std::size_t fallback, std::size_t max
);

}  // namespace sluice::ingress
