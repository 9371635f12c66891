// Lists the type files of the connected tools, or reads one.
//
// Errors: Unauthenticated (no valid caller token), Invalid (file name too long), Unavailable (no
// runner).
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class DescribeHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    Runners* runners;
  };

  explicit DescribeHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::DescribeReply> operator()(
      codemode::v1::DescribeRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
