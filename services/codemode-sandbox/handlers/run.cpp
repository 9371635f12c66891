#include "services/codemode-sandbox/handlers/run.h"

#include "services/codemode-sandbox/limits.h"

#include <string>
#include <utility>

namespace sluice::codemode_sandbox {

Async<codemode::v1::RunFinal> RunHandler::operator()(
    codemode::v1::RunRequest request, ConsoleWriter* console, RequestContext context
) {
  SLUICE_CO_TRY(policy::v1::CallerClaims caller, deps_.callers->verify(context));
  if (request.source().empty() || request.source().size() > kSourceBytesMax) {
    co_return Error(
        Code::Invalid,
        "the script is empty or too long; send 1 to " + std::to_string(kSourceBytesMax) + " bytes"
    );
  }
  co_return co_await deps_.runners->run(
      std::move(caller), std::move(request), console, std::move(context)
  );
}

}  // namespace sluice::codemode_sandbox
