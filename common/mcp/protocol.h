// Names that the wire of MCP fixes, for both sides: revisions, HTTP headers, keys of _meta. Source:
// MCP specification 2026-07-28 (modern era: stateless, no handshake) and 2025-11-25 (legacy era:
// initialize).
#pragma once

#include "common/base/result.h"

#include <array>
#include <string>
#include <string_view>

namespace sluice::mcp {

// The modern revisions spoken here, newest first.
inline constexpr std::array<std::string_view, 1> kModernVersions{"2026-07-28"};
// Legacy-era revisions, newest first. The first is the one offered.
inline constexpr std::array<std::string_view, 4> kLegacyVersions{
    "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"
};
[[nodiscard]] bool is_modern_version(std::string_view version);
[[nodiscard]] bool is_legacy_version(std::string_view version);

inline constexpr std::string_view kVersionHeader = "mcp-protocol-version";
inline constexpr std::string_view kSessionHeader = "mcp-session-id";     // legacy
inline constexpr std::string_view kMethodHeader = "mcp-method";          // modern
inline constexpr std::string_view kNameHeader = "mcp-name";              // modern
inline constexpr std::string_view kParamHeaderPrefix = "mcp-param-";     // modern
inline constexpr std::string_view kLastEventIdHeader = "last-event-id";  // legacy

// Keys of _meta, modern era. Each holds for one hop.
inline constexpr std::string_view kMetaProtocolVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaClientCapabilities =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaSubscriptionId = "io.modelcontextprotocol/subscriptionId";

// A token, which is what the name of an HTTP header may be.
[[nodiscard]] bool is_header_name(std::string_view text);

// Requests that are carried out under grants.
inline constexpr std::string_view kToolsCall = "tools/call";
inline constexpr std::string_view kResourcesRead = "resources/read";
inline constexpr std::string_view kPromptsGet = "prompts/get";
inline constexpr std::string_view kCompletionComplete = "completion/complete";
// Legacy on the wire. Between services: whoever sends it wants to hear of changes for ten minutes.
inline constexpr std::string_view kResourcesSubscribe = "resources/subscribe";
// Requests of a server to its client, in the middle of one of these.
inline constexpr std::string_view kSamplingCreateMessage = "sampling/createMessage";
inline constexpr std::string_view kElicitationCreate = "elicitation/create";
inline constexpr std::string_view kRootsList = "roots/list";
// Whether it is one that is carried out under a grant, but of no tool.
[[nodiscard]] bool is_read_method(std::string_view method);

// The member of params that Mcp-Name repeats: "name" or "uri"; "" for methods without one.
[[nodiscard]] std::string_view named_member(std::string_view method);

// The value of an Mcp-Name or Mcp-Param-* header that says this text: the text itself where a
// header can carry it and nobody takes it for something else, "=?base64?…?=" otherwise.
[[nodiscard]] std::string header_value_of(std::string_view text);
// The text such a value says: surrounding blanks ignored, base64 decoded. Errors: Invalid (between
// "=?base64?" and "?=" stands no base64).
[[nodiscard]] Result<std::string> text_of_header(std::string_view value);

}  // namespace sluice::mcp
