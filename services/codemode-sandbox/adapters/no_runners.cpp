#include "services/codemode-sandbox/adapters/no_runners.h"

namespace sluice::codemode_sandbox {
namespace {

Error no_runner() {
  return Error(
      Code::Unavailable,
      "no runner is connected; use the tools without code mode, or start a runner and try again"
  );
}

}  // namespace

Async<codemode::v1::RunFinal> NoRunners::run(
    policy::v1::CallerClaims /*caller*/,
    codemode::v1::RunRequest /*request*/,
    ConsoleWriter* /*console*/,
    RequestContext /*context*/
) {
  co_return no_runner();
}

Async<codemode::v1::DescribeReply> NoRunners::describe(
    policy::v1::CallerClaims /*caller*/,
    codemode::v1::DescribeRequest /*request*/,
    RequestContext /*context*/
) {
  co_return no_runner();
}

Async<codemode::v1::RunsReply> NoRunners::runs(
    policy::v1::CallerClaims /*caller*/,
    codemode::v1::RunsRequest /*request*/,
    RequestContext /*context*/
) {
  co_return no_runner();
}

}  // namespace sluice::codemode_sandbox
