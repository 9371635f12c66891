// Forms of JSON number tokens. Used inside this library only.
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::json {

// True for exactly one token of RFC 8259 §6.
[[nodiscard]] bool is_number_token(std::string_view text);

// True for a token without fraction and exponent.
[[nodiscard]] bool is_integer_token(std::string_view text);

// nullopt when the token's value is beyond the range of a double. Too small to represent is zero.
[[nodiscard]] std::optional<double> double_of(std::string_view token);

// nullopt unless the value is an integer within range ("1.0" and "1e2" are integers).
[[nodiscard]] std::optional<std::int64_t> integer_of(std::string_view token);

// One form for all tokens of a value that RFC 8785 takes for the same: that of ecmascript_form().
// An integer that is neither what a double holds nor what it is written as keeps its digits, so
// that 9007199254740993 is not 9007199254740992. The token itself where no double holds it.
[[nodiscard]] std::string form_by_value(std::string_view token);

// The form ECMAScript's Number.prototype.toString gives (ECMA-262 §6.1.6.1.20), as RFC 8785
// §3.2.2.3 asks. Finite only.
[[nodiscard]] std::string ecmascript_form(double number);

}  // namespace sluice::json
