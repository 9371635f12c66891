// Arguments of a tool that repeat as Mcp-Param-* headers because its inputSchema says x-mcp-header.
// Modern era, HTTP only. Source: MCP specification 2026-07-28, "Streamable HTTP".
#pragma once

#include "common/json/value.h"
#include "common/mcp/modern_messages.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp {

struct ParamHeader {
  std::string name;               // of the header, lower case, with its prefix
  std::vector<std::string> path;  // members of the arguments, outermost first
};

// Every declaration of a schema. Errors: Invalid, saying which declaration breaks which rule: a
// name that is no token or is used twice, a property that is no string, integer or boolean, or one
// that cannot be reached by `properties` alone. Such a tool may not be offered.
[[nodiscard]] Result<std::vector<ParamHeader>> param_headers_of(const json::Value& input_schema);

// The headers that these arguments mean; none for what is missing or null. Errors: Invalid (the
// arguments are no JSON object).
[[nodiscard]] Result<HeaderList> param_header_values(
    const std::vector<ParamHeader>& declared, std::string_view arguments
);

}  // namespace sluice::mcp
