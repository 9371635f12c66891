// Reads oauth_config of one MCP server.
#pragma once

#include "services/mcp-connector/config.h"

namespace sluice::mcp_connector {

// Of a server whose auth_type, address and headers are read.
[[nodiscard]] OAuthConfig read_oauth(config::Section& entry, const ServerConfig& server);

// The same as it is shown, the secret masked; null when there is none.
[[nodiscard]] json::Value shown_oauth(config::Section& entry);

}  // namespace sluice::mcp_connector
