// Answers that there are no type files: the description of executeToolCode lists servers and tools.
//
// Errors: Unauthenticated (no valid caller token), Invalid (file name too long), NotFound.
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class DescribeHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // outlives the handler
  };

  explicit DescribeHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::DescribeReply> operator()(
      codemode::v1::DescribeRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
