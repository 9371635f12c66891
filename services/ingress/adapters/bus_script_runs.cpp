#include "services/ingress/adapters/bus_script_runs.h"

#include "proto/endpoints.h"

#include <utility>

namespace sluice::ingress {

Async<codemode::v1::RunsReply> BusScriptRuns::ask(
    codemode::v1::RunsRequest request, RequestContext context
) {
  return bus_->call(endpoints::kCodemodeRuns, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
