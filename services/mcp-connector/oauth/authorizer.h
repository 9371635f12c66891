// Authorizer: gives requests to MCP servers their access tokens, renews these before they end, and
// reacts to refusals: by itself where it can, else by saying what a person has to do.
#pragma once

#include "services/mcp-connector/oauth/authorization.h"
#include "services/mcp-connector/oauth/endpoints.h"
#include "services/mcp-connector/oauth/store.h"

#include "common/async/task_group.h"
#include "common/observability/log.h"

#include <random>

namespace sluice::mcp_connector::oauth {

// What a person has to do; the message of the error with Code::Unauthenticated.
[[nodiscard]] std::string how_to_authorize(const Target& target);

// Life: close() before destruction. Thread: the shard's one.
class Authorizer final : public Authorizations {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    TokenStore* store;
    Endpoints* endpoints;
    std::uint64_t seed;  // of the jitter of renewals
  };

  explicit Authorizer(Deps deps);

  Async<std::shared_ptr<Authorization>> open(const ServerConfig* server) override;

  // Waits for renewals under way: a rotated token that is not kept would be lost.
  Async<void> close() { return tasks_.close(); }

 private:
  class ServerAuthorization;

  Deps deps_;
  std::mt19937_64 generator_;
  async::TaskGroup tasks_;
};

}  // namespace sluice::mcp_connector::oauth
