// sluice limits list.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

namespace sluice::cli {

// One line a counter. Errors: those of the gateway.
Async<Answer> list_limits(Gateway* gateway, Format format);

}  // namespace sluice::cli
