// What a server's catalog says of the server itself.
#pragma once

#include "proto/sluice/connector/v1/connector.pb.h"

namespace sluice::mcp {

// Whether nobody knows this server's tools at the moment: it is not connected yet, or again. A tool
// of it is unavailable then, not unknown.
[[nodiscard]] inline bool is_awaited(const connector::v1::ServerCatalog& server) {
  return server.tools().empty() && (server.state() == connector::v1::SERVER_STATE_CONNECTING ||
                                    server.state() == connector::v1::SERVER_STATE_DISCONNECTED);
}

}  // namespace sluice::mcp
