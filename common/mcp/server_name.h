// The name of an MCP server whose settings give none. One function for all services: they must
// agree on it.
#pragma once

#include <string>
#include <string_view>

namespace sluice::mcp {

// What mcp.client_configs says about the connection.
struct ServerConnection {
  bool is_stdio = true;
  std::string_view package;  // stdio: the first argument that is no option, else the command
  std::string_view address;  // http and sse: connection_string as it is written
};

// "@modelcontextprotocol/server-filesystem@1.2" -> "filesystem"; "http://host:1/mcp" -> "host". The
// result matches is_server_name() unless nothing usable is there.
[[nodiscard]] std::string derived_server_name(const ServerConnection& connection);

}  // namespace sluice::mcp
