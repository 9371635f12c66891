// What the handlers need of the outside world.
#pragma once

#include "common/async/async.h"
#include "common/async/request_context.h"
#include "common/bus/bus.h"

#include "proto/sluice/codemode/v1/codemode.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::codemode_sandbox {

using ConsoleWriter = bus::ChunkWriter<codemode::v1::RunProgress>;

// The runners this instance is connected to. Callers are verified and requests within bounds when
// they get here. Errors of each: Unavailable (no runner is connected).
class Runners {
 public:
  Runners() = default;
  Runners(const Runners&) = delete;
  Runners& operator=(const Runners&) = delete;
  Runners(Runners&&) = delete;
  Runners& operator=(Runners&&) = delete;
  virtual ~Runners() = default;

  virtual Async<codemode::v1::RunFinal> run(
      policy::v1::CallerClaims caller,
      codemode::v1::RunRequest request,
      ConsoleWriter* console,
      RequestContext context
  ) = 0;
  virtual Async<codemode::v1::DescribeReply> describe(
      policy::v1::CallerClaims caller, codemode::v1::DescribeRequest request, RequestContext context
  ) = 0;
  virtual Async<codemode::v1::RunsReply> runs(
      policy::v1::CallerClaims caller, codemode::v1::RunsRequest request, RequestContext context
  ) = 0;
};

}  // namespace sluice::codemode_sandbox
