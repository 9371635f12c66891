// Handshake: the start of a conversation. Finds out which era a server speaks, unless its settings
// pin a version, and begins in it.
#pragma once

#include "services/mcp-connector/connections/mcp_session.h"

#include <string>

namespace sluice::mcp_connector {

struct Agreement {
  std::string protocol_version;
  mcp::ServerCapabilities capabilities;  // as the server says; all, when nobody asked it
  std::string instructions;              // as it says
};

// server/discover first; initialize on the same connection after any answer that is not clearly
// modern, and after silence. Errors: NotFound (over HTTP, and nobody there takes POST: the server
// may still be one of HTTP+SSE), Invalid, Denied, Unavailable, Deadline.
Async<Agreement> shake_hands(
    McpSession* session, async::Clock* clock, const ServerConfig* server, TimePoint deadline
);

}  // namespace sluice::mcp_connector
