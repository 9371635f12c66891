// The MCP messages the gateway reads or makes itself. Everything else passes as raw bytes
// (json_rpc.h). Source: MCP specification 2025-11-25, and 2024-11-05 … 2025-06-18 where they
// differ.
#pragma once

#include "common/json/value.h"
#include "common/mcp/json_rpc.h"
#include "common/mcp/protocol.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp {

struct Implementation {
  std::string name;
  std::string version;
};

// params of initialize: this legacy version, no capabilities.
[[nodiscard]] std::string initialize_params(const Implementation& client, std::string_view version);

struct InitializeResult {
  std::string protocol_version;
  Implementation server;
  bool has_tools = false;
  bool tools_list_changed = false;
};

// Errors: Invalid (no result of initialize, or a version nobody here speaks).
[[nodiscard]] Result<InitializeResult> parse_initialize_result(std::string_view result);

// params of tools/list; cursor as the server gave it, absent for the first page.
[[nodiscard]] std::string tools_list_params(const std::optional<std::string>& cursor);

struct ToolsPage {
  std::vector<json::Value> tools;  // objects, unknown members included
  std::optional<std::string> next_cursor;
};

// Errors: Invalid (no tools array, a tool that is no object or has no name).
[[nodiscard]] Result<ToolsPage> parse_tools_page(std::string_view result);

// params of tools/call around exactly these argument bytes.
[[nodiscard]] std::string tools_call_params(std::string_view tool, std::string_view arguments);
// The member of _meta that asks for progress; the token is the request's own id.
[[nodiscard]] std::string progress_meta(std::int64_t token);
// params, which hold no _meta, with one of these members; as they are when there is none.
[[nodiscard]] std::string with_meta(std::string_view params, std::string_view members);
// Whether a tools/call result says isError. Errors: Invalid (the result is no object).
[[nodiscard]] Result<bool> says_is_error(std::string& result);

[[nodiscard]] std::string cancelled_params(const RpcId& id, std::string_view reason);

// The progressToken of a notifications/progress; nullopt when it has none that is an integer.
[[nodiscard]] std::optional<std::int64_t> progress_token_of(std::string_view params);

// The answer to a request of a server towards a client without capabilities: ping and roots/list
// have one, everything else is refused with -32601. Never silence.
[[nodiscard]] std::string answer_server_request(const Message& request);

}  // namespace sluice::mcp
