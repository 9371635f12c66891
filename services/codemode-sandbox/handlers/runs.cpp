#include "services/codemode-sandbox/handlers/runs.h"

#include "services/codemode-sandbox/limits.h"

#include <string>
#include <utility>

namespace sluice::codemode_sandbox {

Async<codemode::v1::RunsReply> RunsHandler::operator()(
    codemode::v1::RunsRequest request, RequestContext context
) {
  SLUICE_CO_TRY(policy::v1::CallerClaims caller, deps_.callers->verify(context));
  if (request.run_id().size() > kRunIdBytesMax) {
    co_return Error(
        Code::Invalid,
        "the run id is longer than " + std::to_string(kRunIdBytesMax) +
            " bytes; send one of the listed ids"
    );
  }
  co_return co_await deps_.runners->runs(std::move(caller), std::move(request), std::move(context));
}

}  // namespace sluice::codemode_sandbox
