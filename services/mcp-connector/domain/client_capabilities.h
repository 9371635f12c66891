// What a server may ask its client for: what the gateway declares for itself, what a caller
// declared, and whether a question is covered by that.
#pragma once

#include "services/mcp-connector/config.h"

#include "common/mcp/json_rpc.h"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// ClientCapabilities of the handshake of the legacy era, where nobody knows yet who will call.
[[nodiscard]] std::string offered_capabilities(const ClientOffer& offer);

// ClientCapabilities of one caller as this server may know them. declared: a JSON object; empty:
// none. Tasks are left out: nothing here carries them. Errors: Invalid (no JSON object).
[[nodiscard]] Result<std::string> passed_capabilities(
    std::string_view declared, const ClientOffer& offer
);

// sampling/createMessage, elicitation/create, roots/list.
[[nodiscard]] bool is_question(std::string_view method);

// The ClientCapabilities that a question needs and that are not among those passed; nullopt: it may
// be asked.
[[nodiscard]] std::optional<std::string> lacking_capability(
    std::string_view passed, std::string_view method, std::string_view params
);

// The answer to a question whose capability nobody declared.
[[nodiscard]] mcp::RpcError missing_capability(std::string required);

// The result of roots/list with the roots configured for this server.
[[nodiscard]] std::string configured_roots(const ClientOffer& offer);

}  // namespace sluice::mcp_connector
