// Names of tools as models see them: "<server>-<tool>", at most 64 characters of [A-Za-z0-9_-].
#pragma once

#include <string>
#include <string_view>

namespace sluice::ingress {

// The name itself where a model may see it; else with other characters replaced by '_', cut, and
// "_<8 hex digits>" of its SHA-256 at the end. The way back is the catalog snapshot, not the name.
[[nodiscard]] std::string model_name_of(std::string name);

// "<server>-<tool>" unchanged: what include headers and people write.
[[nodiscard]] std::string full_name_of(std::string_view server, std::string_view tool);

// Insertions, deletions and replacements that make a out of b; both at most kNearNameBytesMax
// bytes.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace sluice::ingress
