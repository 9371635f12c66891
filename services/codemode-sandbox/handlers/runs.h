// Runs of all instances of the last day, as people look at them: lists them, shows one, ends one. A
// caller has its own, an admin those of its tenant. What is lost with Redis is in the audit trail.
//
// A run whose instance died without telling its end has the state "lost".
//
// Errors: Unauthenticated (no valid caller token), Invalid (no operation, a limit out of bounds),
// NotFound (no such run, or another's), Conflict (cancel: it has ended; the message says how),
// Unavailable (Redis does not answer, audit outbox full).
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/domain/run_list.h"
#include "services/codemode-sandbox/ports.h"

#include "common/async/clock.h"
#include "common/audit/client.h"
#include "common/json/value.h"

#include <optional>
#include <string>

namespace sluice::codemode_sandbox {

class RunsHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    const RunList* list;
    RunStore* store;
    RunCanceller* canceller;
    audit::Client* audit;
    async::Clock* clock;
  };

  explicit RunsHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::RunsReply> operator()(
      codemode::v1::RunsRequest request, RequestContext context
  );

 private:
  Async<std::string> list(const policy::v1::CallerClaims* caller, std::uint32_t limit);
  // The document.
  Async<std::string> document(std::string run_id);
  // Its short form, if the caller may see the run.
  Async<json::Value> visible(const policy::v1::CallerClaims* caller, std::string run_id);
  Async<std::optional<json::Value>> summary(std::string run_id);
  Async<std::string> cancel(
      const policy::v1::CallerClaims* caller, std::string run_id, const RequestContext* context
  );
  // Until it has ended, or kCancelWait is over.
  Async<void> wait_for_end(std::string run_id, TimePoint deadline);

  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
