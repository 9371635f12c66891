// MCP over HTTP+SSE as a client (protocol 2024-11-05): one GET stream of events, whose first names
// where to POST; every answer comes on the stream. Source: MCP specification 2024-11-05,
// "Transports".
#pragma once

#include "services/mcp-connector/adapters/client_link.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// The URL an `endpoint` event means: absolute, or relative to the stream's. nullopt when it leaves
// the stream's origin: the gateway's credentials go nowhere else.
[[nodiscard]] std::optional<std::string> endpoint_url(
    std::string_view stream_url, std::string_view endpoint
);

class SseOpener final : public LinkOpener {
 public:
  using Deps = ClientLinkDeps;

  explicit SseOpener(Deps deps) : deps_(std::move(deps)) {}

  // Returns when the server has named its endpoint. Errors: Invalid (an auth_type this version
  // cannot do, an endpoint of another origin), Denied (credentials, or the server's address is not
  // allowed), Unavailable, Deadline (start_timeout).
  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override;

 private:
  Deps deps_;
};

}  // namespace sluice::mcp_connector
