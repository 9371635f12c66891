// What an MCP client says of itself and wants to hear during a request. Pure.
#pragma once

#include "services/ingress/ports.h"

#include "common/base/result.h"
#include "common/json/value.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

// For the server of one request.
struct McpClient {
  std::string capabilities;  // ClientCapabilities, a JSON object; empty: it can be asked nothing
  std::string log_level;     // lowest level of log messages it wants; empty: none
  std::string session;       // legacy; empty: none
};

// "debug" … "emergency", RFC 5424.
[[nodiscard]] bool is_log_level(std::string_view level);

// params.level of logging/setLevel. Errors: Invalid.
[[nodiscard]] Result<std::string> log_level_in(const json::Value& params);

// capabilities of a legacy client, in params of initialize; "{}" when there are none. Errors:
// Invalid (too large).
[[nodiscard]] Result<std::string> capabilities_in(const json::Value& params);

// A legacy client in its session. One that never set a level hears from "info" on.
[[nodiscard]] McpClient client_in(std::string session, const McpSessionState& state);

// A modern client, which says all of itself in _meta of each request. Errors: Invalid.
[[nodiscard]] Result<McpClient> modern_client_in(const json::Value& params);

}  // namespace sluice::ingress
