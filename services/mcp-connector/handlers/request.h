// Carries out one granted request: a tool call, or the reading of a resource, a prompt or a
// completion. The order is the promise: verify → record the intent durably →
// send → record the outcome → answer. What was let through runs to its end even when its caller
// leaves. Where the server asks its caller something, the stream ends and the call waits for
// InputHandler.
#pragma once

#include "services/mcp-connector/connections/call_meter.h"
#include "services/mcp-connector/connections/granted_call.h"
#include "services/mcp-connector/connections/parked_calls.h"
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
    ParkedCalls* parked;
    CallMeter* meter;
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

  // Waits for calls whose callers left; those that wait for input end. After the bus was drained,
  // before the pool stops.
  Async<void> close();

 private:
  Result<void> admit(GrantedCall* call) const;
  static Result<void> admit_terms(GrantedCall* call);
  Result<void> admit_tool(GrantedCall* call) const;
  Result<void> admit_read(GrantedCall* call) const;
  Async<void> run(SharedCall call);
  Async<connector::v1::Final> carry_out(SharedCall call);
  Async<void> begin(SharedCall call);
  Async<void> commit_intent(SharedCall call);
  Async<void> use_read_grant(SharedCall call);
  Async<connector::v1::Final> finish(SharedCall call, CallEnd end);
  Async<void> refuse(SharedCall call, Error why);

  Deps deps_;
  async::TaskGroup calls_;
};

}  // namespace sluice::mcp_connector
