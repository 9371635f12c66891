// The audit records of a run: run.started before anything is given to a runner, run.finished at its
// end. Between them stand the records of its calls.
#pragma once

#include "services/codemode-sandbox/domain/run_scope.h"

#include "common/base/error.h"

#include "proto/sluice/audit/v1/audit.pb.h"

namespace sluice::codemode_sandbox {

// args_digest: of the source, of which a bounded part is the body.
[[nodiscard]] audit::v1::Record run_started(const RunScope& scope);

// hop: above those of all calls. result_digest: of the value.
[[nodiscard]] audit::v1::Record run_finished(
    const RunScope& scope, const codemode::v1::RunFinal& final
);
// A run that ended without an outcome: no runner took it, or its caller left.
[[nodiscard]] audit::v1::Record run_abandoned(
    const RunScope& scope, std::uint32_t calls, const Error& error
);

}  // namespace sluice::codemode_sandbox
