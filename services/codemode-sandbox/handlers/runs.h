// Lists the caller's newest runs on this instance, or shows one. What other replicas ran is in the
// audit trail.
//
// Errors: Unauthenticated (no valid caller token), Invalid (run id too long).
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/domain/run_list.h"
#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class RunsHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    const RunList* list;
  };

  explicit RunsHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::RunsReply> operator()(
      codemode::v1::RunsRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
