// The opaque id of an MCP server: in subjects, leases and grants, never its name. One function for
// all services.
#pragma once

#include "common/base/ids.h"

#include <string_view>

namespace sluice::mcp {

// Servers are global in this version; a tenant's own servers will have the tenant as scope.
inline constexpr std::string_view kGlobalScope = "global";

// First 16 hex digits of SHA-256 over the fields (tenant scope, server name), each with its length.
[[nodiscard]] ServerId server_id(std::string_view name, std::string_view scope = kGlobalScope);

// [A-Za-z_][A-Za-z0-9_]{0,31}: what a server may be called.
[[nodiscard]] bool is_server_name(std::string_view name);

}  // namespace sluice::mcp
