// JSON writing. Compact, members in their order, numbers as they were written.
#pragma once

#include "common/json/value.h"

namespace sluice::json {

[[nodiscard]] std::string write(const Value& value);
[[nodiscard]] std::string write_pretty(const Value& value);  // two spaces an indent
// Appends the quoted, escaped form of text (UTF-8) to out.
void append_quoted(std::string& out, std::string_view text);

}  // namespace sluice::json
