#include "services/ingress/handlers/execute_tool.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/domain/execution_answer.h"
#include "services/ingress/domain/narrowing.h"
#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/tool_message.h"
#include "services/ingress/limits.h"

#include "common/http/error_map.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

// A policy change between decision and use is met by deciding once more, not again and again.
constexpr std::uint32_t kDecisionsMax = 2;
// Hops of one decision and of what the connector records under it.
constexpr std::uint32_t kHopsPerDecision = 4;
constexpr std::size_t kApprovalIdBytesMax = 64;
// Rules by which policy-engine says that its catalog is not the one the call was made from.
constexpr std::string_view kCatalogRules = "catalog.";

bool is_read(const policy::v1::Decision& decision) {
  return decision.effect_class() == policy::v1::EFFECT_CLASS_READ;
}

}  // namespace

Async<http::HttpResponse> ExecuteToolHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  Execution execution;
  execution.request = &request;
  SLUICE_CO_TRY(Admitted admitted, co_await deps_.admission->admit(&request, std::move(context)));
  execution.owner = admitted.owner();
  execution.caller = std::move(admitted.caller);
  execution.context = std::move(admitted.context);
  SLUICE_CO_TRY(execution.format, call_format_of(request.query));
  SLUICE_CO_TRY(execution.call, ToolCall::parse(request.body, execution.format));
  SLUICE_CO_TRY(auto named, chain_header(request.headers));
  execution.approval_id = std::string(request.headers.get("x-sluice-approval"));
  if (execution.approval_id.size() > kApprovalIdBytesMax) {
    co_return Error(Code::Invalid, "header x-sluice-approval is too long; send the approval's id");
  }
  execution.chain_named = named.has_value();
  std::optional<std::string> id;
  if (execution.call.id_given) {
    id = execution.call.id;
  }
  SLUICE_CO_TRY(
      ChainPoint point,
      co_await deps_.chains->find_for_execution(
          execution.owner, std::move(named), std::move(id), execution.context
      )
  );
  execution.context.chain = std::move(point.chain);
  execution.context.hop = point.hop;
  auto answer = co_await execute(&execution);
  if (!answer.ok()) {
    if (answer.error().code() == Code::Cancelled) {
      co_return answer;
    }
    answer = http::error_response(answer.error(), http::Dialect::OpenAi);
  }
  co_return co_await finish(&execution, std::move(answer).value());
}

Async<http::HttpResponse> ExecuteToolHandler::execute(Execution* execution) {
  SLUICE_CO_TRY(const Narrowing narrowing, Narrowing::parse(execution->request->headers));
  SLUICE_CO_TRY(
      const SnapshotPtr snapshot,
      co_await deps_.catalog->snapshot(execution->caller, narrowing, execution->context)
  );
  if (execution->call.name == kExecuteToolCode && snapshot->offers_code()) {
    co_return co_await run_code(execution, narrowing);
  }
  const ToolEntry* tool = snapshot->find(execution->call.name);
  if (tool == nullptr) {
    if (const std::string* server = snapshot->awaited_server_of(execution->call.name)) {
      co_return Error(
          Code::Unavailable,
          "server \"" + *server + "\" is not connected yet; try again in a few seconds"
      )
          .with_retry_after(std::chrono::seconds(1));
    }
    co_return co_await refuse(
        execution, nullptr, unknown_tool(execution->call.name, *snapshot), "no server has this tool"
    );
  }
  if (narrowing.restricted() && !narrowing.allows(tool->server, tool->tool)) {
    const std::string why = "this request's include headers leave the tool out";
    co_return co_await refuse(execution, tool, denied("request.include", why), why);
  }
  execution->tool = *tool;
  execution->decision_id =
      decision_id_of(execution->owner, execution->context.chain, execution->call, execution->tool);
  SLUICE_CO_CHECK_OK(deps_.trail->tool_execute(
      execution->context, *execution->caller, execution->call, &execution->tool, ""
  ));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return co_await decide_and_run(execution);
}

Async<http::HttpResponse> ExecuteToolHandler::run_code(Execution* execution, Narrowing narrowing) {
  SLUICE_CO_TRY(std::string source, script_of(execution->call.arguments));
  SLUICE_CO_CHECK_OK(deps_.trail->tool_execute(
      execution->context, *execution->caller, execution->call, nullptr, ""
  ));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  execution->last_hop = execution->context.hop + kHopsPerRunMax;  // unless the run says otherwise
  SLUICE_CO_TRY(
      CodeAnswer answer,
      co_await deps_.code->run(
          {.request = execution->request,
           .source = std::move(source),
           .call_id = execution->call.id,
           .format = execution->format,
           .filter = narrowing.filter()},
          execution->context
      )
  );
  execution->last_hop = answer.hop;
  co_return std::move(answer.response);
}

Async<http::HttpResponse> ExecuteToolHandler::refuse(
    Execution* execution, const ToolEntry* tool, http::HttpResponse answer, std::string why
) {
  SLUICE_CO_CHECK_OK(
      deps_.trail->tool_execute(execution->context, *execution->caller, execution->call, tool, why)
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return answer;
}

Async<http::HttpResponse> ExecuteToolHandler::decide_and_run(Execution* execution) {
  for (;;) {  // at most kDecisionsMax rounds
    SLUICE_CO_TRY(const policy::v1::Decision decision, co_await decide_current(execution));
    if (decision.grant().empty()) {
      const bool waits = decision.verdict() == policy::v1::VERDICT_APPROVE ||
                         decision.verdict() == policy::v1::VERDICT_APPROVE_TWICE;
      co_return waits ? approval_required(decision) : denied(decision.rule(), decision.reason());
    }
    auto final = co_await carry_out(execution, decision);
    if (final.ok()) {
      co_return answer_of(final.value(), execution->call.id, execution->format);
    }
    const Code code = final.error().code();
    if (code == Code::Cancelled || (is_read(decision) && code != Code::Conflict)) {
      co_return std::move(final).error();
    }
    // Used before, refused under an older policy version, or cut off: the trail says which.
    SLUICE_CO_TRY(auto known, co_await recall(execution, decision.grant_id()));
    if (known) {
      co_return std::move(*known);
    }
    if (code != Code::Conflict || execution->decisions >= kDecisionsMax) {
      co_return std::move(final).error();
    }
    SLUICE_CO_CHECK_OK(co_await refresh(execution));
  }
}

Async<policy::v1::Decision> ExecuteToolHandler::decide_current(Execution* execution) {
  auto decided = co_await decide(execution);
  const bool outdated = decided.ok() ? decided.value().rule().starts_with(kCatalogRules)
                                     : decided.error().code() == Code::Conflict;
  if (!outdated || execution->decisions >= kDecisionsMax) {
    co_return decided;
  }
  const std::string seen = execution->tool.definition_hash;
  SLUICE_CO_CHECK_OK(co_await refresh(execution));
  if (decided.ok() && execution->tool.definition_hash == seen) {
    co_return decided;
  }
  co_return co_await decide(execution);
}

Async<policy::v1::Decision> ExecuteToolHandler::decide(Execution* execution) {
  policy::v1::DecideRequest request;
  request.set_decision_id(execution->decision_id);
  request.set_decision_unix_ms(deps_.clock->unix_ms());
  request.set_mode(policy::v1::MODE_MANUAL);
  auto* call = request.add_calls();
  call->set_server_id(execution->tool.server_id);
  call->set_server(execution->tool.server);
  call->set_tool(execution->tool.tool);
  call->set_definition_hash(execution->tool.definition_hash);
  call->set_arguments(execution->call.arguments);
  call->set_tool_call_id(execution->call.id);
  call->set_approval_id(execution->approval_id);

  RequestContext context = execution->context;
  context.hop += 1 + execution->decisions * kHopsPerDecision;
  ++execution->decisions;
  auto reply = co_await deps_.policy->decide(std::move(request), std::move(context));
  if (!reply.ok()) {
    if (reply.error().code() == Code::Deadline) {
      co_return std::move(reply).error().as(Code::Unavailable).while_doing("deciding");
    }
    co_return std::move(reply).error().while_doing("deciding");
  }
  if (reply.value().decisions_size() != 1) {
    co_return Error(Code::Internal, "policy-engine answered without a decision; report this");
  }
  co_return std::move(*reply.value().mutable_decisions(0));
}

Async<connector::v1::Final> ExecuteToolHandler::carry_out(
    Execution* execution, policy::v1::Decision decision
) {
  connector::v1::Request request;
  request.set_server_id(execution->tool.server_id);
  request.set_method("tools/call");
  request.set_params(execution->call.arguments);
  request.set_grant(std::move(*decision.mutable_grant()));
  request.set_tool_call_id(execution->call.id);
  RequestContext context =
      execution->context.with_deadline(deps_.clock->now() + deps_.tool_timeout);
  context.hop += 2 + (execution->decisions - 1) * kHopsPerDecision;
  co_return co_await deps_.servers->request(std::move(request), std::move(context));
}

Async<std::optional<http::HttpResponse>> ExecuteToolHandler::recall(
    Execution* execution, std::string grant_id
) {
  audit::v1::JournalRequest request;
  request.set_grant_id(std::move(grant_id));
  request.set_tenant(execution->owner.tenant);
  request.set_principal(execution->owner.principal);
  // The tool may have taken longer than the caller token lives.
  SLUICE_CO_TRY(
      execution->context.caller_token,
      co_await deps_.admission->fresh_token(execution->request, execution->context)
  );
  auto reply = co_await deps_.journal->journal(std::move(request), execution->context);
  if (!reply.ok()) {
    co_return std::move(reply)
        .error()
        .as(Code::Unavailable)
        .while_doing("asking the trail what became of a call");
  }
  std::optional<http::HttpResponse> answer;
  switch (reply.value().state()) {
    case audit::v1::JournalReply::STATE_IN_PROGRESS:
      answer = in_progress();
      break;
    case audit::v1::JournalReply::STATE_UNKNOWN:
      answer = outcome_unknown();
      break;
    case audit::v1::JournalReply::STATE_FINISHED: {
      audit::v1::Record outcome;
      const bool read = outcome.ParseFromString(reply.value().outcome_record());
      if (read && outcome.outcome() == audit::v1::OUTCOME_UNKNOWN) {
        answer = outcome_unknown();
        break;
      }
      if (read && (outcome.outcome() == audit::v1::OUTCOME_FAILED ||
                   outcome.outcome() == audit::v1::OUTCOME_REFUSED)) {
        answer = not_carried_out("this call was tried before and failed");
        break;
      }
      SLUICE_CO_TRY(
          std::string message,
          recorded_tool_message(reply.value().result(), execution->call.id, execution->format)
      );
      answer = json_response(200, std::move(message));
      answer->headers.add("x-sluice-replayed", "true");
      break;
    }
    default:
      break;
  }
  co_return answer;
}

Async<void> ExecuteToolHandler::refresh(Execution* execution) {
  deps_.catalog->forget(*execution->caller);
  SLUICE_CO_TRY(
      const SnapshotPtr snapshot,
      co_await deps_.catalog->snapshot(execution->caller, Narrowing(), execution->context)
  );
  const ToolEntry* tool = snapshot->find(execution->call.name);
  if (tool == nullptr) {
    co_return Error(
        Code::NotFound,
        "the tool was removed while the call was on its way; look at the tools offered and try "
        "again"
    );
  }
  execution->tool = *tool;
  if (tool->effect_class ==
      policy::v1::EFFECT_CLASS_READ) {  // a read's first grant may have been spent
    execution->decision_id = decision_id_of(
        execution->owner, execution->context.chain, execution->call, execution->tool
    );
  }
  co_return Result<void>();
}

Async<http::HttpResponse> ExecuteToolHandler::finish(
    Execution* execution, http::HttpResponse answer
) {
  const ChainPoint end{
      execution->context.chain,
      std::max(execution->context.hop + kHopsPerStep - 1, execution->last_hop)
  };
  SLUICE_CO_CHECK_OK(co_await deps_.chains->remember(execution->owner, {execution->call.id}, end));
  if (execution->chain_named) {
    SLUICE_CO_CHECK_OK(co_await deps_.chains->remember_chain(execution->owner, end));
  }
  answer.headers.add("x-sluice-chain", end.chain.str());
  count(answer);
  co_return answer;
}

void ExecuteToolHandler::count(const http::HttpResponse& answer) {
  const std::string result = answer.headers.has("x-sluice-replayed") ? "replayed"
                             : answer.status == 200                  ? "done"
                             : answer.status == 403                  ? "denied"
                             : answer.status < 500                   ? "refused"
                                                                     : "failed";
  deps_.metrics
      ->counter(
          "sluice_ingress_tool_executions_total",
          "Executions of tools by their result",
          {{"result", result}}
      )
      .add();
}

}  // namespace sluice::ingress
