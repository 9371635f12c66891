// The configuration of a server as the management API shows it.
#pragma once

#include "services/mcp-connector/config.h"

#include <string>

namespace sluice::mcp_connector {

// A JSON object; secrets are masked.
[[nodiscard]] std::string shown_config(config::Section& entry, const ServerConfig& server);
// An address as it is shown: without credentials and query.
[[nodiscard]] json::Value shown_address(const json::Value& address);

}  // namespace sluice::mcp_connector
