// What POST /v1/mcp/tool/execute answers to each end of an execution, with a code of its own.
#pragma once

#include "services/ingress/domain/execution_end.h"
#include "services/ingress/domain/tool_call.h"

#include "common/http/message.h"

#include <string>

namespace sluice::ingress {

// 200 with the tool message (x-sluice-replayed: true from the trail); 403 tool_denied, 403
// approval_required with the approval's id, 404; 409 in_progress (worth another try), 409
// outcome_unknown (not worth one), 503 not_carried_out. Errors: those of tool_message.
[[nodiscard]] Result<http::HttpResponse> answer_of(
    const ExecutionEnd& end, const std::string& call_id, CallFormat format
);

}  // namespace sluice::ingress
