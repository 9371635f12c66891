// Headers that are comma lists of names, such as the include headers.
#pragma once

#include "common/base/result.h"
#include "common/http/message.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// The entries, sorted, of the one of the two headers that is there; nullopt: none is. other may be
// "". Errors: Invalid (a header twice, both of them, too many or too long entries).
[[nodiscard]] Result<std::optional<std::vector<std::string>>> header_list(
    const http::Headers& headers, std::string_view name, std::string_view other = {}
);

// Sorted, each once.
[[nodiscard]] std::vector<std::string> sorted_names(std::vector<std::string> names);

}  // namespace sluice::ingress
