// Definitions as servers give them, of which one member is to be another.
#pragma once

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

// The object with this text in a member it has, every other byte as it is. Errors: Invalid (no
// object, or no such member).
[[nodiscard]] Result<std::string> with_text(
    std::string definition, std::string_view member, std::string_view text
);

}  // namespace sluice::ingress
