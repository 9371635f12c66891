// Canonical JSON: RFC 8785, except that integers keep their digits. One form per meaning: what is
// digested is what is sent.
#pragma once

#include "common/json/value.h"

namespace sluice::json {

// Keys sorted by UTF-16 code units; shortest escapes; numbers in ECMAScript form (integer tokens
// unchanged but for "-0").
[[nodiscard]] std::string canonical(const Value& value);

// The same with every number in one form for its value: 1e21 is 1000000000000000000000. An integer
// between those a double holds keeps its digits here too. For comparing what is not sent on.
[[nodiscard]] std::string canonical_by_value(const Value& value);

// Parses strictly, then prints. Errors: Invalid.
[[nodiscard]] Result<std::string> canonical(std::string_view text);

}  // namespace sluice::json
