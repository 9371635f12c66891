#include "services/ingress/domain/execution_answer.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/tool_message.h"

#include "common/http/error_map.h"
#include "common/json/parse.h"

#include <utility>

namespace sluice::ingress {
namespace {

// The message of a JSON-RPC error member, or what stands in for it.
std::string message_in(const std::string& error, std::string_view fallback) {
  const auto parsed = json::parse(error);
  return parsed.ok() ? parsed.value().text_or("message", fallback) : std::string(fallback);
}

}  // namespace

http::HttpResponse denied(const std::string& rule, const std::string& reason) {
  return response_of({
      .status = 403,
      .type = "permission_error",
      .code = "tool_denied",
      .message = reason.empty() ? "policy does not let you run this tool" : reason,
      .members = {{"rule", rule}, {"reason", reason}},
      .should_retry = ShouldRetry::No,
  });
}

http::HttpResponse approval_required(const policy::v1::Decision& decision) {
  return response_of({
      .status = 403,
      .type = "permission_error",
      .code = "approval_required",
      .message = "this call needs an approval before it runs; when it is approved, send it again "
                 "with the header "
                 "x-sluice-approval: " +
                 decision.approval_id(),
      .members =
          {{"rule", decision.rule()},
           {"reason", decision.reason()},
           {"approval_id", decision.approval_id()}},
      .should_retry = ShouldRetry::No,
  });
}

http::HttpResponse unknown_tool(const std::string& name, const CatalogSnapshot& snapshot) {
  if (name == kExecuteToolCode) {
    return http::error_response(
        Error(
            Code::NotFound,
            "no server is offered to scripts; call its tools one by one, or ask the operator to "
            "set is_code_mode_client"
        ),
        http::Dialect::OpenAi
    );
  }
  std::string message = "no connected server has a tool \"" + name + "\"";
  const auto near = snapshot.names_near(name);
  for (std::size_t i = 0; i < near.size(); ++i) {
    message.append(
               i == 0                 ? "; did you mean \""
               : i + 1 == near.size() ? " or \""
                                      : ", \""
    )
        .append(near[i])
        .append("\"");
  }
  if (near.empty()) {
    message.append("; tools are named <server>-<tool>, GET /api/mcp/clients lists the servers");
  } else {
    message.push_back('?');
  }
  return http::error_response(Error(Code::NotFound, std::move(message)), http::Dialect::OpenAi);
}

http::HttpResponse in_progress() {
  auto response = response_of({
      .status = 409,
      .type = "conflict_error",
      .code = "in_progress",
      .message = "this call was started before and has not ended; send it again in a few seconds "
                 "for its result",
      .members = {{"state", "in_progress"}},
      .should_retry = ShouldRetry::Yes,
  });
  response.headers.add("retry-after", "2");
  return response;
}

http::HttpResponse outcome_unknown() {
  return response_of({
      .status = 409,
      .type = "conflict_error",
      .code = "outcome_unknown",
      .message = "this call was sent to its server and no answer was recorded; look whether it had "
                 "its effect before you make "
                 "it again under another tool call id",
      .members = {{"state", "unknown"}},
      .should_retry = ShouldRetry::No,
  });
}

http::HttpResponse not_carried_out(const std::string& why) {
  return response_of({
      .status = 503,
      .type = "server_error",
      .code = "not_carried_out",
      .message = why + "; nothing was carried out, make the call again under another tool call id",
      .members = {{"state", "failed"}},
      .should_retry = ShouldRetry::No,
  });
}

Result<http::HttpResponse> answer_of(
    const connector::v1::Final& final, const std::string& call_id, CallFormat format
) {
  if (final.outcome() == connector::v1::OUTCOME_UNKNOWN) {
    return outcome_unknown();
  }
  if (final.outcome() == connector::v1::OUTCOME_FAILED) {
    return not_carried_out(message_in(final.error(), "the tool's server could not be reached"));
  }
  SLUICE_TRY(
      std::string message,
      tool_message({.result = final.result(), .error = final.error()}, call_id, format)
  );
  return json_response(200, std::move(message));
}

}  // namespace sluice::ingress
