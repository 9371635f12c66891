#include "services/codemode-sandbox/handlers/runs.h"

#include "services/codemode-sandbox/limits.h"

#include <string>
#include <utility>

namespace sluice::codemode_sandbox {

Async<codemode::v1::RunsReply> RunsHandler::operator()(
    codemode::v1::RunsRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const policy::v1::CallerClaims caller, deps_.callers->verify(context));
  const std::string& run_id = request.get().run_id();
  if (run_id.size() > kRunIdBytesMax) {
    co_return Error(
        Code::Invalid,
        "the run id is longer than " + std::to_string(kRunIdBytesMax) +
            " bytes; send one of the listed ids"
    );
  }
  codemode::v1::RunsReply reply;
  reply.set_runs(deps_.list->list(caller, run_id));
  co_return reply;
}

}  // namespace sluice::codemode_sandbox
