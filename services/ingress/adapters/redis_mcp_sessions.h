// RedisMcpSessions: sessions of legacy MCP clients, in Redis for an hour after their last use.
//
// Key: sluice:ingress:mcp_sessions:<SHA-256 of tenant, principal>, a hash of session id to the time
// of its last use in Unix ms. A session of one principal is thereby none of another.
// Key: sluice:ingress:mcp_session:<SHA-256 of tenant, principal, session>, a hash of what a session
// is about: "capabilities", "log_level", and "uri <URI>" for each subscription. Each is changed
// alone, so that two replicas that change different ones lose nothing.
#pragma once

#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/redis/client.h"

namespace sluice::ingress {

// Errors of all: those of redis::Client.
class RedisMcpSessions final : public McpSessionStore {
 public:
  RedisMcpSessions(redis::Client* client, async::Clock* clock) : client_(client), clock_(clock) {}

  Async<void> open(Owner owner, std::string session, std::string capabilities) override;
  Async<bool> touch(Owner owner, std::string session) override;
  Async<bool> close(Owner owner, std::string session) override;
  Async<McpSessionState> state(Owner owner, std::string session) override;
  Async<void> set_log_level(Owner owner, std::string session, std::string level) override;
  Async<bool> subscribe(Owner owner, std::string session, std::string uri) override;
  Async<void> unsubscribe(Owner owner, std::string session, std::string uri) override;

 private:
  Async<void> note(Owner owner, std::string session);
  // Ends what was unused for too long, and so many of the rest that one more has room.
  Async<void> make_room(Owner owner);
  Async<void> set(std::string key, std::string field, std::string value);
  Async<void> keep(std::string key);

  redis::Client* client_;
  async::Clock* clock_;
};

}  // namespace sluice::ingress
