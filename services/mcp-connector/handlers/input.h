// Goes on with a call whose server asked its caller something: takes the caller's answers and
// relays what the call says from then on.
#pragma once

#include "services/mcp-connector/connections/parked_calls.h"

#include "common/audit/client.h"
#include "common/grant/grant.h"
#include "common/observability/log.h"

namespace sluice::mcp_connector {

// Errors: Unauthenticated (caller token), Invalid (responses), NotFound (nothing of this caller
// waits under that id for that request). Each leaves a tool.refused record, and the call goes on
// waiting.
class InputHandler {
 public:
  struct Deps {
    async::Clock* clock;
    observability::Log* log;
    audit::Client* audit;
    const grant::KeyRing* token_keys;
  };

  explicit InputHandler(Deps deps) : deps_(deps), parked_(deps.clock) {}

  Async<connector::v1::Final> operator()(
      connector::v1::Input input,
      bus::ChunkWriter<connector::v1::Progress>* out,
      RequestContext context
  );

  // Where calls wait for it.
  [[nodiscard]] ParkedCalls* parked() { return &parked_; }

 private:
  [[nodiscard]] Result<SharedCall> admit(
      const connector::v1::Input& input,
      const RequestContext& context,
      policy::v1::CallerClaims* claims
  );
  Async<void> refuse(audit::v1::Record record, Error why);

  Deps deps_;
  ParkedCalls parked_;
};

}  // namespace sluice::mcp_connector
