// Carries out one granted request: a tool call, or the reading of a resource, a prompt or a
// completion. The order is the promise: verify → record the intent durably →
// send → record the outcome → answer. What was let through runs to its end even when its caller
// leaves.
#pragma once

#include "services/mcp-connector/connections/server_pool.h"
#include "services/mcp-connector/domain/outcome.h"
#include "services/mcp-connector/domain/policy_versions.h"
#include "services/mcp-connector/ports.h"

#include "common/async/task_group.h"
#include "common/audit/client.h"
#include "common/grant/grant.h"
#include "common/observability/metrics.h"

#include <memory>
#include <string>

namespace sluice::mcp_connector {

// Errors: Denied (no grant for exactly this), Unauthenticated (caller token), Invalid (method,
// arguments), NotFound (tool), Conflict (used grant, older policy, changed definition), Unavailable
// (no lease, not connected, intent not durable; nothing sent), Exhausted, Deadline. Each of these
// leaves a tool.refused record. After the intent the answer is always a Final, unless its outcome
// could not be recorded.
class RequestHandler {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    audit::Client* audit;
    Nonces* nonces;
    ServerPool* pool;
    PolicyVersions* policy;
    const grant::KeyRing* grant_keys;
    const grant::KeyRing* token_keys;
  };

  explicit RequestHandler(Deps deps);

  Async<connector::v1::Final> operator()(
      connector::v1::Request request,
      bus::ChunkWriter<connector::v1::Progress>* out,
      RequestContext context
  );

  // Waits for calls whose callers left. After the bus was drained, before the pool stops.
  Async<void> close();

 private:
  struct Call;
  using SharedCall = std::shared_ptr<Call>;

  Result<void> admit(Call* call) const;
  Result<void> admit_tool(Call* call) const;
  Result<void> admit_read(Call* call) const;
  Async<connector::v1::Final> relay(
      SharedCall call, bus::ChunkWriter<connector::v1::Progress>* out
  );
  Async<void> run(SharedCall call);
  Async<connector::v1::Final> carry_out(SharedCall call);
  Async<void> begin(SharedCall call);
  Async<void> commit_intent(SharedCall call);
  Async<void> use_read_grant(SharedCall call);
  Async<CallEnd> send(SharedCall call);
  static Result<std::unique_ptr<McpSession::Ticket>> hand_over(Call* call, TimePoint deadline);
  Async<CallEnd> exchange(SharedCall call, TimePoint deadline);
  Async<connector::v1::Final> finish(SharedCall call, CallEnd end);
  Async<void> refuse(SharedCall call, Error why);
  [[nodiscard]] audit::v1::Record record_for(const Call& call, std::string action) const;

  Deps deps_;
  async::TaskGroup calls_;
};

}  // namespace sluice::mcp_connector
