// Types of what the caller's scripts may call: the list of files, the lines of one, or the tools
// that are about some words. What is not found is an answer too, and says what there is.
//
// Errors: Unauthenticated (no valid caller token), Invalid (a name or query that is too long, or
// nothing that is asked), those of policy-engine and mcp-connector.
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/domain/script_api.h"
#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class DescribeHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // both outlive the handler
    ScriptApis* apis;
  };

  explicit DescribeHandler(Deps deps) : deps_(deps) {}

  Async<codemode::v1::DescribeReply> operator()(
      codemode::v1::DescribeRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
