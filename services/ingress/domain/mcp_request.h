// What one POST of an MCP client asks for: its era, and whether it keeps the rules of Streamable
// HTTP. Pure. Source: MCP specification 2025-11-25 and 2026-07-28, "Transports".
#pragma once

#include "common/base/result.h"
#include "common/http/message.h"
#include "common/json/value.h"
#include "common/mcp/json_rpc.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// Legacy: initialize, then a session. Modern: stateless, every request says all of itself.
enum class McpEra : std::uint8_t { Legacy, Modern };

// An answer without result: HTTP status and JSON-RPC error.
struct McpRefusal {
  int status = 400;
  mcp::RpcError error;
};

// Whether the browser page behind an Origin header may talk to the gateway: one on this machine, or
// one of allowed ("https://app.example"). Without the header: yes, no browser sends none.
[[nodiscard]] bool is_allowed_origin(
    const http::Headers& headers, const std::vector<std::string>& allowed
);

// 406: the client must take JSON and an event stream, whichever comes.
[[nodiscard]] std::optional<McpRefusal> refuse_accept(const http::Headers& headers);

// A request says its era by _meta or by MCP-Protocol-Version.
[[nodiscard]] McpEra era_of(
    const http::Headers& headers, const std::vector<mcp::Message>& messages
);

// 400 when the header and _meta of a modern message are incomplete, disagree with each other or
// with the body, or name a version that is not spoken here.
[[nodiscard]] std::optional<McpRefusal> refuse_modern(
    const http::Headers& headers, const mcp::Message& message
);

// -32020 when an argument that the tool's definition wants repeated as an Mcp-Param-* header is
// not, or a header repeats what is no argument. arguments: a JSON object.
[[nodiscard]] std::optional<mcp::RpcError> refuse_param_headers(
    const http::Headers& headers, std::string_view definition, std::string_view arguments
);

// Whether what a tool's definition says of such headers follows the rules. Clients of the modern
// era must not be offered one that breaks them.
[[nodiscard]] bool declares_headers_well(std::string_view definition);

// 400 when MCP-Protocol-Version names no legacy version; absent is fine.
[[nodiscard]] std::optional<McpRefusal> refuse_legacy(const http::Headers& headers);

// params of a message as an object; {} when it has none. Errors: Invalid.
[[nodiscard]] Result<json::Value> params_of(const mcp::Message& message);

// _meta.progressToken, a string or an integer.
[[nodiscard]] std::optional<json::Value> progress_token_of(const json::Value& params);

// The version that initialize is answered with: the one asked for where it is a legacy version,
// else the newest of them.
[[nodiscard]] std::string negotiated_version(const json::Value& params);

// An id for a session of that version at that path: 128 random bits. Version and slug of the path
// are readable from it.
[[nodiscard]] std::string new_session_id(std::string_view version, std::string_view path);
// Whether a session was opened at that path: what it may see is that path's.
[[nodiscard]] bool is_session_at(std::string_view path, std::string_view session);
// "" for what is no session id of ours.
[[nodiscard]] std::string_view version_of_session(std::string_view session);

}  // namespace sluice::ingress
