// What an MCP server's HTTP response says before its body is read. For both HTTP transports.
#pragma once

#include "services/mcp-connector/config.h"

#include "common/base/result.h"
#include "common/http/client.h"

#include <string_view>

namespace sluice::mcp_connector {

[[nodiscard]] bool is_success(int status);
// type: lower case, without parameters.
[[nodiscard]] bool is_type(const http::BodyStream& response, std::string_view type);
[[nodiscard]] bool is_event_stream(const http::BodyStream& response);
// Denied for 401 and 403, else Unavailable: the status came with no MCP message.
[[nodiscard]] Error status_error(int status);
// Reads a body that says nothing, so that its connection can be used again; a long or broken one is
// left.
async::Plain<void> read_off(http::BodyStream* response);
// Errors: Invalid (this version cannot authenticate that way).
[[nodiscard]] Result<void> check_auth_type(const ServerConfig& server);

}  // namespace sluice::mcp_connector
