// A server as the management API is sent it: an object as of mcp.client_configs, checked as one of
// the file, and some things besides, because its sender is no operator of this machine.
#pragma once

#include "services/mcp-connector/config.h"

#include "common/json/value.h"

#include <string_view>

namespace sluice::mcp_connector {

// The settings of section mcp that servers added by API depend on.
[[nodiscard]] ApiSettings read_api_settings(config::Document& document);

// Takes what servers added by API may refer to as env.NAME.
void take_environment(const config::Environment& environment, ApiSettings* settings);

// Variables of this process and files of this machine are out of reach, unless mcp.api_env_names
// names the variable. Errors: Invalid (the message lists all faults, one a line), Denied (stdio or
// allowed_private_networks, and mcp.allow_stdio_servers_by_api or mcp.allow_private_networks_by_api
// is not set).
[[nodiscard]] Result<ServerConfig> read_added_server(
    const json::Value& body, const ApiSettings& settings
);

// What is kept after a change: the members sent over those kept; null removes one. A value that is
// sent as it is shown, masked, keeps the one that is kept. Errors: Invalid (no object; another host
// for credentials that the sender did not give anew).
[[nodiscard]] Result<json::Value> changed_server(const json::Value& kept, const json::Value& sent);

}  // namespace sluice::mcp_connector
