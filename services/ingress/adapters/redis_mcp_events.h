// RedisMcpEvents: events of streams towards legacy MCP clients, in Redis while their requests run
// and a little longer.
//
// Key: sluice:ingress:mcp_events:<SHA-256 of tenant, principal, session, stream>, a hash: "state"
// is
// "<events> <0 or 1: ended> <id of the request, JSON>", and "<number>" an event.
#pragma once

#include "services/ingress/ports.h"

#include "common/redis/client.h"

namespace sluice::ingress {

// Errors of all: those of redis::Client.
class RedisMcpEvents final : public McpEventStore {
 public:
  explicit RedisMcpEvents(redis::Client* client) : client_(client) {}

  Async<void> keep(
      McpStreamName name, McpStreamState state, std::string event, std::chrono::seconds time
  ) override;
  Async<void> renew(McpStreamName name, std::chrono::seconds time) override;
  Async<void> forget(McpStreamName name, std::size_t number) override;
  Async<std::optional<McpStreamState>> state(McpStreamName name) override;
  Async<std::optional<std::string>> event(McpStreamName name, std::size_t number) override;

 private:
  redis::Client* client_;
};

}  // namespace sluice::ingress
