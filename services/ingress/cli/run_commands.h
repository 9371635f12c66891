// sluice runs …: runs of scripts of the last day, and ending one.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

#include <string>

namespace sluice::cli {

Async<Answer> list_runs(Gateway* gateway, int limit, Format format);
// With its calls, console, and value or error.
Async<Answer> show_run(Gateway* gateway, std::string id, Format format);
Async<Answer> cancel_run(Gateway* gateway, std::string id, Format format);

}  // namespace sluice::cli
