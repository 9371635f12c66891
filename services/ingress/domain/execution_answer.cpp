#include "services/ingress/domain/execution_answer.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/tool_message.h"

#include "common/http/error_map.h"

#include <utility>

namespace sluice::ingress {
namespace {

// "approval_denied", "approval_expired", … where an approval is why, else "tool_denied".
std::string code_of(const policy::v1::Decision& decision) {
  constexpr std::string_view kApprovalRules = "approval.";
  return decision.rule().starts_with(kApprovalRules)
             ? "approval_" + decision.rule().substr(kApprovalRules.size())
             : "tool_denied";
}

http::HttpResponse denied(const policy::v1::Decision& decision) {
  const std::string& reason = decision.reason();
  OpenaiError error{
      .status = 403,
      .type = "permission_error",
      .code = code_of(decision),
      .message = reason.empty() ? "policy does not let you run this tool" : reason,
      .members = {{"rule", decision.rule()}, {"reason", reason}},
      .should_retry = ShouldRetry::No,
  };
  if (!decision.approval_id().empty()) {
    error.members.emplace_back("approval_id", decision.approval_id());
  }
  return response_of(error);
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

constexpr std::uint32_t kMsPerSecond = 1'000;

// A limit counts the call, and has no room for it now.
http::HttpResponse limited(const policy::v1::Decision& decision) {
  const std::uint32_t wait_ms = decision.retry_after_ms();
  auto response = response_of({
      .status = 429,
      .type = "rate_limit_error",
      .code = "rate_limit_exceeded",
      .message = decision.reason(),
      .members = {{"rule", decision.rule()}, {"reason", decision.reason()}},
      .should_retry = ShouldRetry::Yes,
  });
  response.headers.add("retry-after-ms", std::to_string(wait_ms));
  response.headers.add(
      "retry-after", std::to_string(wait_ms / kMsPerSecond + (wait_ms % kMsPerSecond == 0 ? 0 : 1))
  );
  return response;
}

// One overload an end.
struct Wording {
  const std::string& call_id;
  CallFormat format;

  Result<http::HttpResponse> operator()(const UnknownTool& end) const {
    return http::error_response(Error(Code::NotFound, end.message), http::Dialect::OpenAi);
  }

  Result<http::HttpResponse> operator()(const Withheld& end) const {
    if (end.decision.retry_after_ms() > 0) {
      return limited(end.decision);
    }
    return end.waits() ? approval_required(end.decision) : denied(end.decision);
  }

  Result<http::HttpResponse> operator()(const Finished& end) const {
    SLUICE_TRY(
        std::string message,
        tool_message({.result = end.final.result(), .error = end.final.error()}, call_id, format)
    );
    return json_response(200, std::move(message));
  }

  Result<http::HttpResponse> operator()(const Replayed& end) const {
    SLUICE_TRY(std::string message, recorded_tool_message(end.kept, call_id, format));
    auto response = json_response(200, std::move(message));
    response.headers.add("x-sluice-replayed", "true");
    return response;
  }

  Result<http::HttpResponse> operator()(const InProgress& /*end*/) const { return in_progress(); }

  Result<http::HttpResponse> operator()(const OutcomeUnknown& /*end*/) const {
    return outcome_unknown();
  }

  Result<http::HttpResponse> operator()(const NotCarriedOut& end) const {
    return not_carried_out(end.why);
  }

  Result<http::HttpResponse> operator()(const InputNeeded& /*end*/) const {
    return not_carried_out(
        "the tool's server asks its client something in between; call it through /mcp"
    );
  }
};

}  // namespace

Result<http::HttpResponse> answer_of(
    const ExecutionEnd& end, const std::string& call_id, CallFormat format
) {
  return std::visit(Wording{call_id, format}, end);
}

}  // namespace sluice::ingress
