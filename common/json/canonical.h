// Canonical JSON: RFC 8785, except that integers keep their digits. One form per meaning: what is
// digested is what is sent.
#pragma once

#include "common/json/value.h"

namespace sluice::json {

// Keys sorted by UTF-16 code units; shortest escapes; numbers in ECMAScript form (integer tokens
// unchanged but for "-0").
[[nodiscard]] std::string canonical(const Value& value);

// Parses strictly, then prints. Errors: Invalid.
[[nodiscard]] Result<std::string> canonical(std::string_view text);

}  // namespace sluice::json
