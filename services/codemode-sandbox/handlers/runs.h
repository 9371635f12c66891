// Lists the caller's newest runs, or shows one.
//
// Errors: Unauthenticated (no valid caller token), Invalid (run id too long), Unavailable (no
// runner).
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class RunsHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    Runners* runners;
  };

  explicit RunsHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::RunsReply> operator()(
      codemode::v1::RunsRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
