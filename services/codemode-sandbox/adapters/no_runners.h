// NoRunners: the answer of an instance no runner is connected to.
#pragma once

#include "services/codemode-sandbox/ports.h"

namespace sluice::codemode_sandbox {

class NoRunners final : public Runners {
 public:
  Async<codemode::v1::RunFinal> run(
      policy::v1::CallerClaims caller,
      codemode::v1::RunRequest request,
      ConsoleWriter* console,
      RequestContext context
  ) override;
  Async<codemode::v1::DescribeReply> describe(
      policy::v1::CallerClaims caller, codemode::v1::DescribeRequest request, RequestContext context
  ) override;
  Async<codemode::v1::RunsReply> runs(
      policy::v1::CallerClaims caller, codemode::v1::RunsRequest request, RequestContext context
  ) override;
};

}  // namespace sluice::codemode_sandbox
