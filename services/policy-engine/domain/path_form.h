// Lexical form of a path, for conditions with "path": true. No file system is asked: a symbolic
// link in a path is not seen.
#pragma once

#include <string>
#include <string_view>

namespace sluice::policy_engine {

// Without "//", "/./", "/../" and a slash at the end: "/a/../etc//x/" is "/etc/x". What ".." would
// take above the root is the root; of a relative path it stays in front. "" is ".".
[[nodiscard]] std::string normalised_path(std::string_view path);

// Whether it surely is its own normalised form; false for a few that are, such as "../a".
[[nodiscard]] bool is_normalised(std::string_view path);

// Whether the path is the folder or lies below it; both normalised. "/etcetera" is not in "/etc".
[[nodiscard]] bool is_within(std::string_view path, std::string_view folder);

}  // namespace sluice::policy_engine
