// What POST /v1/mcp/tool/execute answers, each with a code of its own.
#pragma once

#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/tool_call.h"

#include "common/http/message.h"

#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>

namespace sluice::ingress {

// 403 tool_denied.
[[nodiscard]] http::HttpResponse denied(const std::string& rule, const std::string& reason);
// 403 approval_required, with the approval's id.
[[nodiscard]] http::HttpResponse approval_required(const policy::v1::Decision& decision);
// 404, with names the caller may have meant.
[[nodiscard]] http::HttpResponse unknown_tool(
    const std::string& name, const CatalogSnapshot& snapshot
);
// 409 in_progress; worth another try.
[[nodiscard]] http::HttpResponse in_progress();
// 409 outcome_unknown; not worth one.
[[nodiscard]] http::HttpResponse outcome_unknown();
// 503 not_carried_out: certainly without effect, and its grant is spent.
[[nodiscard]] http::HttpResponse not_carried_out(const std::string& why);

// The answer to a call that mcp-connector ended. Errors: those of tool_message.
[[nodiscard]] Result<http::HttpResponse> answer_of(
    const connector::v1::Final& final, const std::string& call_id, CallFormat format
);

}  // namespace sluice::ingress
