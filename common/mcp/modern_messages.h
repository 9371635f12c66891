// What the modern era (stateless, no handshake) puts around a request, and the answers only it
// knows. Source: MCP specification 2026-07-28.
#pragma once

#include "common/mcp/json_rpc.h"
#include "common/mcp/messages.h"
#include "common/mcp/protocol.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp {

inline constexpr std::string_view kDiscover = "server/discover";

// Names in lower case.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Members of the _meta of every request. capabilities: of the client, a raw JSON object; log_level:
// of the messages it wants to hear; empty: none.
[[nodiscard]] std::string modern_meta(
    std::string_view version,
    const Implementation& client,
    std::string_view capabilities = "{}",
    std::string_view log_level = ""
);
// Headers of every request over HTTP. name: what Mcp-Name repeats; empty: nothing.
[[nodiscard]] HeaderList modern_headers(
    std::string_view version, std::string_view method, std::string_view name
);

struct DiscoverResult {
  std::vector<std::string> supported_versions;
  ServerCapabilities capabilities;
  std::string instructions;
};

// Errors: Invalid (no result of server/discover).
[[nodiscard]] Result<DiscoverResult> parse_discover_result(std::string_view result);

// What an UnsupportedProtocolVersion says is supported; nothing for any other error.
[[nodiscard]] std::vector<std::string> supported_versions_of(const RpcError& error);
// Whether only a server of the modern era answers with this code.
[[nodiscard]] bool is_modern_error(int code);
// The newest modern version of those that is spoken here too.
[[nodiscard]] std::optional<std::string> shared_modern_version(
    const std::vector<std::string>& versions
);

// resultType of a result: "complete" when absent. Errors: Invalid (no object, or it is no text).
[[nodiscard]] Result<std::string> result_type_of(std::string& result);

}  // namespace sluice::mcp
