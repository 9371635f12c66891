// sluice policy explain, test, reload, show.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

#include "common/json/value.h"

#include <string>

namespace sluice::cli {

// Errors of all: those of the gateway.
//
// call: the body of POST /api/policy/explain.
Async<Answer> explain_call(Gateway* gateway, json::Value call, Format format);

// cases: [{"name"?,"call":{…as of explain},"expect":{"verdict"?,"rule"?}}]; failures are shown with
// what was looked at, and end with kExitFailed. Errors: Invalid (cases are no such list) besides.
Async<Answer> test_policy(Gateway* gateway, json::Value cases, Format format);

enum class DryRun { Yes, No };
Async<Answer> reload_policy(Gateway* gateway, DryRun dry_run, Format format);
Async<Answer> show_policy(Gateway* gateway, Format format);

}  // namespace sluice::cli
