// Runs one script for a caller.
//
// Errors: Unauthenticated (no valid caller token), Invalid (no source, or more than
// kSourceBytesMax), Unavailable (no runner).
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class RunHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    Runners* runners;
  };

  explicit RunHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::RunFinal> operator()(
      codemode::v1::RunRequest request, ConsoleWriter* console, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
