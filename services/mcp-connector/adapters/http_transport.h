// MCP over Streamable HTTP as a client: one POST a message, answered by one JSON message or by a
// stream of events. Legacy era: a GET stream for what the server says unasked, and a session that
// the server names. Modern era: only requests, and one is given up by closing its stream. Source:
// MCP specification 2026-07-28 and 2025-11-25, "Transports"; 2025-03-26 and 2025-06-18 where they
// differ.
#pragma once

#include "services/mcp-connector/adapters/client_link.h"

#include <memory>

namespace sluice::mcp_connector {

class HttpOpener final : public LinkOpener {
 public:
  using Deps = ClientLinkDeps;

  explicit HttpOpener(Deps deps) : deps_(std::move(deps)) {}

  // Connects and sends nothing yet. Errors: Invalid (an auth_type that this version cannot do),
  // Denied (the server's address is not allowed), Unavailable, Deadline (start_timeout).
  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override;

 private:
  Deps deps_;
};

}  // namespace sluice::mcp_connector
