// Strict JSON reading (RFC 8259): no comments, no trailing commas, no duplicate keys, no lone
// surrogates, valid UTF-8, no byte order mark, one document and nothing after it.
#pragma once

#include "common/json/value.h"

namespace sluice::json {

struct ParseLimits {
  std::size_t depth_max = 64;
  std::size_t bytes_max = std::size_t{8} << 20;
};

// Errors: Invalid, with line, column and what to do.
[[nodiscard]] Result<Value> parse(std::string_view text, ParseLimits limits = {});

// The same, but // and /* */ comments are skipped: for configuration files only.
[[nodiscard]] Result<Value> parse_with_comments(std::string_view text, ParseLimits limits = {});

}  // namespace sluice::json
