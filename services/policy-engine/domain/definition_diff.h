// What is different between two definitions of a tool, for a person to read.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

struct DefinitionDiff {
  std::vector<policy::v1::ToolPin::Difference> differences;  // in the order of the offered one
  std::size_t more = 0;                                      // left out
};

// Member by member and element by element, by JSON pointer (RFC 6901); values are equal as
// mcp-connector's hashes are. Values are JSON in which every character that does not show is an
// escape: a text cannot hide anything. Of long texts the surroundings of the first difference, and
// of large values that are on one side only their members, are shown. pinned may be "": there is
// none. Errors: Invalid (no JSON, or more than kDiffedDefinitionBytesMax).
[[nodiscard]] Result<DefinitionDiff> diff_of(std::string_view pinned, std::string_view offered);

}  // namespace sluice::policy_engine
