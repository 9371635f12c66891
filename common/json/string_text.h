// Text between the quotes of a JSON string. Used inside this library only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::json {

// raw: what stands between the quotes, already known as UTF-8 without control characters.
// nullopt: an unknown escape, or half of a surrogate pair.
[[nodiscard]] std::optional<std::string> unescape(std::string_view raw);

// True when unescape(raw) has a value; builds nothing.
[[nodiscard]] bool has_valid_escapes(std::string_view raw);

}  // namespace sluice::json
