// Request targets: origin form only, and one spelling per path.
#pragma once

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace sluice::http {

struct Target {
  std::string_view path;
  std::string_view query;  // after '?', not decoded
};

// Splits "/path?query". Errors: Invalid for any other form (absolute, authority, asterisk), for a
// path that has a second spelling (empty, "." or ".." segment, ";", encoded byte that needs no
// encoding, encoded "/", "\", "%" or control byte), and for bytes that are not UTF-8 once decoded.
[[nodiscard]] Result<Target> parse_target(std::string_view target);

// "%C3%A9" -> "é". Errors: Invalid ("%" without two hexadecimal digits).
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace sluice::http
