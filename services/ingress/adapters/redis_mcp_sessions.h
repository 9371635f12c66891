// RedisMcpSessions: sessions of legacy MCP clients, in Redis for an hour after their last use.
//
// Key: sluice:ingress:mcp_sessions:<SHA-256 of tenant, principal>, a hash of session id to the time
// of its last use in Unix ms. A session of one principal is thereby none of another.
#pragma once

#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/redis/client.h"

namespace sluice::ingress {

// Errors of all: those of redis::Client.
class RedisMcpSessions final : public McpSessionStore {
 public:
  RedisMcpSessions(redis::Client* client, async::Clock* clock) : client_(client), clock_(clock) {}

  Async<void> open(Owner owner, std::string session) override;
  Async<bool> touch(Owner owner, std::string session) override;
  Async<bool> close(Owner owner, std::string session) override;

 private:
  Async<void> note(std::string key, std::string session);
  // Ends what was unused for too long, and so many of the rest that one more has room.
  Async<void> make_room(std::string key);

  redis::Client* client_;
  async::Clock* clock_;
};

}  // namespace sluice::ingress
