#include "services/ingress/domain/tool_execution.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/domain/model_access.h"
#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/json_rpc.h"

#include <utility>

namespace sluice::ingress {
namespace {

// A policy change between decision and use is met by deciding once more, not again and again.
constexpr std::uint32_t kDecisionsMax = 2;
// Hops of one decision and of what the connector records under it.
constexpr std::uint32_t kHopsPerDecision = 4;
// Rules by which policy-engine says that its catalog is not the one the call was made from.
constexpr std::string_view kCatalogRules = "catalog.";

bool is_read(const policy::v1::Decision& decision) {
  return decision.effect_class() == policy::v1::EFFECT_CLASS_READ;
}

// The message of a JSON-RPC error member, or what stands in for it.
std::string message_in(const std::string& error, std::string_view fallback) {
  const auto parsed = json::parse(error);
  return parsed.ok() ? parsed.value().text_or("message", fallback) : std::string(fallback);
}

// Of a call that the gateway ended because its client lacks a capability: it learns which.
bool tells_what_is_lacking(const connector::v1::Final& final) {
  const auto error = mcp::parse_rpc_error(final.error());
  return error.ok() && error.value().code == mcp::kMissingClientCapability;
}

ExecutionEnd end_of(
    connector::v1::Final final, std::string server_id, std::string server, std::string method
) {
  if (final.has_input_required()) {
    auto& needed = *final.mutable_input_required();
    return InputNeeded{
        .server_id = std::move(server_id),
        .server = std::move(server),
        .method = std::move(method),
        .request_id = std::move(*needed.mutable_request_id()),
        .requests = std::move(*needed.mutable_requests())
    };
  }
  switch (final.outcome()) {
    case connector::v1::OUTCOME_UNKNOWN:
      return tells_what_is_lacking(final) ? ExecutionEnd(Finished{std::move(final)})
                                          : ExecutionEnd(OutcomeUnknown{});
    case connector::v1::OUTCOME_FAILED:
      return NotCarriedOut{message_in(final.error(), "the tool's server could not be reached")};
    default:
      return Finished{std::move(final)};
  }
}

std::string unknown_tool_message(const std::string& name, const CatalogSnapshot& snapshot) {
  if (is_meta_tool(name)) {
    return "no server is offered to scripts; call its tools one by one, or ask the operator to "
           "set is_code_mode_client";
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
    message.append(
        "; tools are named <server>-<tool> unless their server has no prefix, GET /api/mcp/clients "
        "lists the servers"
    );
  } else {
    message.push_back('?');
  }
  return message;
}

}  // namespace

Result<std::string> approval_header(const http::Headers& headers) {
  std::string id(headers.get("x-sluice-approval"));
  if (id.size() > kApprovalIdBytesMax) {
    return Error(Code::Invalid, "header x-sluice-approval is too long; send the approval's id");
  }
  return id;
}

Async<ExecutionEnd> ToolExecution::run(
    Execution* execution, SnapshotPtr snapshot, Narrowing narrowing
) {
  Attempt attempt;
  attempt.execution = execution;
  SLUICE_CO_TRY(auto end, co_await find(&attempt, std::move(snapshot), std::move(narrowing)));
  if (end) {
    co_return std::move(*end);
  }
  SLUICE_CO_CHECK_OK(co_await record(execution, &attempt.tool, ""));
  co_return co_await run(&attempt);
}

Async<std::optional<ExecutionEnd>> ToolExecution::find(
    Attempt* attempt, SnapshotPtr snapshot, Narrowing narrowing
) {
  Execution* const execution = attempt->execution;
  const std::string& name = execution->call.name;
  const ToolEntry* tool = snapshot->find(name);
  std::optional<ExecutionEnd> end;
  if (tool == nullptr) {
    if (const std::string* server = snapshot->awaited_server_of(name)) {
      co_return Error(
          Code::Unavailable,
          "server \"" + *server + "\" is not connected yet; try again in a few seconds"
      )
          .with_retry_after(std::chrono::seconds(1));
    }
    if (snapshot->incomplete() && is_meta_tool(name)) {
      co_return Error(
          Code::Unavailable,
          "which tools scripts may use cannot be read at the moment; try again in a few seconds"
      )
          .with_retry_after(std::chrono::seconds(1));
    }
    SLUICE_CO_CHECK_OK(co_await record(execution, nullptr, "no server has this tool"));
    end = UnknownTool{unknown_tool_message(name, *snapshot)};
    co_return end;
  }
  if (narrowing.restricted() && !narrowing.allows(tool->server, tool->tool)) {
    Withheld withheld;
    withheld.decision.set_verdict(policy::v1::VERDICT_DENY);
    withheld.decision.set_rule("request.include");
    withheld.decision.set_reason("this request's include headers leave the tool out");
    SLUICE_CO_CHECK_OK(co_await record(execution, tool, withheld.decision.reason()));
    end = std::move(withheld);
    co_return end;
  }
  attempt->tool = *tool;
  attempt->decision_id =
      decision_id_of(execution->owner, execution->context.chain, execution->call, *tool);
  co_return end;
}

Async<ExecutionEnd> ToolExecution::request(Execution* execution, ToolEntry target) {
  Attempt attempt;
  attempt.execution = execution;
  attempt.tool = std::move(target);
  attempt.decision_id =
      decision_id_of(execution->owner, execution->context.chain, execution->call, attempt.tool);
  SLUICE_CO_CHECK_OK(co_await record(execution, &attempt.tool, ""));
  co_return co_await run(&attempt);
}

Async<void> ToolExecution::record(
    Execution* execution, const ToolEntry* tool, std::string refusal
) {
  SLUICE_CO_CHECK_OK(deps_.trail->tool_execute(
      execution->context, *execution->caller, execution->call, tool, refusal
  ));
  co_return co_await deps_.audit->written();
}

Async<ExecutionEnd> ToolExecution::run(Attempt* attempt) {
  SLUICE_CO_TRY(ExecutionEnd end, co_await decide_and_run(attempt));
  co_return co_await sample(attempt->execution, std::move(end));
}

Async<ExecutionEnd> ToolExecution::decide_and_run(Attempt* attempt) {
  for (;;) {  // at most kDecisionsMax rounds
    SLUICE_CO_TRY(const policy::v1::Decision decision, co_await decide_current(attempt));
    if (decision.grant().empty()) {
      co_return co_await withheld(attempt->execution, decision);
    }
    auto final = co_await carry_out(attempt, decision);
    if (final.ok()) {
      const ToolEntry& tool = attempt->tool;
      co_return end_of(std::move(final).value(), tool.server_id, tool.server, tool.method);
    }
    const Code code = final.error().code();
    if (code == Code::Cancelled || (is_read(decision) && code != Code::Conflict)) {
      co_return std::move(final).error();
    }
    // Used before, refused under an older policy version, or cut off: the trail says which.
    SLUICE_CO_TRY(auto known, co_await recall(attempt->execution, decision.grant_id()));
    if (known) {
      co_return std::move(*known);
    }
    if (code != Code::Conflict || attempt->decisions >= kDecisionsMax) {
      co_return std::move(final).error();
    }
    SLUICE_CO_CHECK_OK(co_await refresh(attempt));
  }
}

Async<policy::v1::Decision> ToolExecution::decide_current(Attempt* attempt) {
  auto decided = co_await decide(attempt);
  const bool outdated = decided.ok() ? decided.value().rule().starts_with(kCatalogRules)
                                     : decided.error().code() == Code::Conflict;
  if (!outdated || attempt->decisions >= kDecisionsMax) {
    co_return decided;
  }
  const std::string seen = attempt->tool.definition_hash;
  SLUICE_CO_CHECK_OK(co_await refresh(attempt));
  if (decided.ok() && attempt->tool.definition_hash == seen) {
    co_return decided;
  }
  co_return co_await decide(attempt);
}

Async<policy::v1::Decision> ToolExecution::decide(Attempt* attempt) {
  if (!attempt->decision) {
    std::vector<Attempt*> alone(1, attempt);
    SLUICE_CO_CHECK_OK(co_await decide_together(std::move(alone)));
  }
  policy::v1::Decision decision = std::move(*attempt->decision);
  attempt->decision.reset();
  co_return decision;
}

Async<void> ToolExecution::decide_together(std::vector<Attempt*> attempts) {
  policy::v1::DecideRequest request;
  request.set_decision_unix_ms(deps_.clock->unix_ms());
  request.set_mode(attempts.front()->execution->mode);
  RequestContext context = attempts.front()->execution->context;
  context.hop += 1 + attempts.front()->decisions * kHopsPerDecision;
  for (Attempt* attempt : attempts) {
    request.mutable_decision_id()->append(attempt->decision_id);
    auto* call = request.add_calls();
    call->set_server_id(attempt->tool.server_id);
    call->set_server(attempt->tool.server);
    call->set_tool(attempt->tool.tool);
    call->set_method(attempt->tool.method);
    call->set_definition_hash(attempt->tool.definition_hash);
    call->set_arguments(attempt->execution->call.arguments);
    call->set_tool_call_id(attempt->execution->call.id);
    call->set_approval_id(attempt->execution->approval_id);
  }
  auto reply = co_await deps_.policy->decide(std::move(request), std::move(context));
  if (!reply.ok()) {
    if (reply.error().code() == Code::Deadline) {
      co_return std::move(reply).error().as(Code::Unavailable).while_doing("deciding");
    }
    co_return std::move(reply).error().while_doing("deciding");
  }
  if (reply.value().decisions_size() != static_cast<int>(attempts.size())) {
    co_return Error(Code::Internal, "policy-engine answered without a decision; report this");
  }
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    ++attempts[i]->decisions;
    attempts[i]->decision = std::move(*reply.value().mutable_decisions(static_cast<int>(i)));
  }
  co_return Result<void>();
}

Async<connector::v1::Final> ToolExecution::carry_out(
    Attempt* attempt, policy::v1::Decision decision
) {
  connector::v1::Request request;
  request.set_server_id(attempt->tool.server_id);
  request.set_method(attempt->tool.method);
  request.set_params(attempt->execution->call.arguments);
  request.set_grant(std::move(*decision.mutable_grant()));
  request.set_tool_call_id(attempt->execution->call.id);
  request.set_cancel_with_caller(attempt->execution->cancel_with_caller);
  request.set_client_capabilities(deps_.sampler->capabilities_for(
      attempt->tool.server, attempt->tool.method, attempt->execution->client.capabilities
  ));
  request.set_log_level(attempt->execution->client.log_level);
  request.set_session(attempt->execution->client.session);
  RequestContext context =
      attempt->execution->context.with_deadline(deps_.clock->now() + deps_.tool_timeout);
  context.hop += 2 + (attempt->decisions - 1) * kHopsPerDecision;
  co_return co_await deps_.servers->request(
      std::move(request), attempt->execution->progress, std::move(context)
  );
}

Async<ExecutionEnd> ToolExecution::go_on(
    Execution* execution, InputNeeded needed, std::string responses
) {
  SLUICE_CO_TRY(
      ExecutionEnd end, co_await send_input(execution, std::move(needed), std::move(responses))
  );
  co_return co_await sample(execution, std::move(end));
}

Async<ExecutionEnd> ToolExecution::sample(Execution* execution, ExecutionEnd end) {
  for (std::size_t round = 0;; ++round) {
    const auto* found = std::get_if<InputNeeded>(&end);
    if (found == nullptr || !deps_.sampler->serves(found->server)) {
      co_return end;
    }
    InputNeeded needed = *found;
    SLUICE_CO_TRY(std::string responses, co_await sampled(execution, needed));
    if (responses.empty()) {
      co_return end;
    }
    if (round >= kMcpInputRoundsMax) {
      co_return Error(
          Code::Exhausted, "the server asked for a model too many times in one request; repair it"
      );
    }
    SLUICE_CO_TRY(end, co_await send_input(execution, std::move(needed), std::move(responses)));
  }
}

// Responses as of connector.v1.Input to those questions that are answered here; "": none is. What
// they leave out waits on.
Async<std::string> ToolExecution::sampled(Execution* execution, InputNeeded needed) {
  const auto questions = questions_in(needed.requests);
  SLUICE_CO_TRY(
      const ModelAccess access, ModelAccess::of(*execution->caller, execution->request->headers)
  );
  std::string responses;
  for (const Question& question : questions.ok() ? questions.value() : std::vector<Question>()) {
    if (!deps_.sampler->answers(needed.server, execution->client.capabilities, question)) {
      continue;
    }
    SLUICE_CO_TRY(
        execution->context.caller_token,
        co_await deps_.admission->fresh_token(execution->request, execution->context)
    );
    RequestContext context = execution->context.with_deadline(deps_.clock->now() + kMcpAnswerWait);
    SLUICE_CO_TRY(
        const std::string response,
        co_await deps_.sampler->answer(
            needed.server, question, access.applied_to(execution->caller), std::move(context)
        )
    );
    responses.append(responses.empty() ? "{" : ",");
    json::append_quoted(responses, question.key);
    responses.append(":").append(response);
  }
  co_return responses.empty() ? responses : responses + "}";
}

Async<ExecutionEnd> ToolExecution::send_input(
    Execution* execution, InputNeeded needed, std::string responses
) {
  connector::v1::Input input;
  input.set_server_id(needed.server_id);
  input.set_request_id(std::move(needed.request_id));
  input.set_method(needed.method);
  input.set_params(execution->call.arguments);
  input.set_responses(std::move(responses));
  input.set_cancel_with_caller(execution->cancel_with_caller);
  // People may have taken longer than the caller token lives.
  SLUICE_CO_TRY(
      execution->context.caller_token,
      co_await deps_.admission->fresh_token(execution->request, execution->context)
  );
  RequestContext context =
      execution->context.with_deadline(deps_.clock->now() + deps_.tool_timeout);
  auto final =
      co_await deps_.servers->go_on(std::move(input), execution->progress, std::move(context));
  if (!final.ok()) {
    const Code code = final.error().code();
    if (needed.method == mcp::kToolsCall && (code == Code::Unavailable || code == Code::Deadline)) {
      co_return OutcomeUnknown{};  // it was sent before it asked
    }
    co_return std::move(final).error();
  }
  co_return end_of(
      std::move(final).value(),
      std::move(needed.server_id),
      std::move(needed.server),
      std::move(needed.method)
  );
}

Async<ExecutionEnd> ToolExecution::withheld(Execution* execution, policy::v1::Decision decision) {
  if (decision.grant_id().empty()) {
    co_return Withheld{std::move(decision)};
  }
  // Its approval was used: what came of that is what this call gets.
  SLUICE_CO_TRY(auto known, co_await recall(execution, decision.grant_id()));
  if (known) {
    co_return std::move(*known);
  }
  co_return InProgress{};
}

Async<std::optional<ExecutionEnd>> ToolExecution::recall(
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
  std::optional<ExecutionEnd> end;
  switch (reply.value().state()) {
    case audit::v1::JournalReply::STATE_IN_PROGRESS:
      end = InProgress{};
      break;
    case audit::v1::JournalReply::STATE_UNKNOWN:
      end = OutcomeUnknown{};
      break;
    case audit::v1::JournalReply::STATE_FINISHED: {
      audit::v1::Record outcome;
      const bool read = outcome.ParseFromString(reply.value().outcome_record());
      if (read && outcome.outcome() == audit::v1::OUTCOME_UNKNOWN) {
        end = OutcomeUnknown{};
      } else if (read && (outcome.outcome() == audit::v1::OUTCOME_FAILED ||
                          outcome.outcome() == audit::v1::OUTCOME_REFUSED)) {
        end = NotCarriedOut{"this call was tried before and failed"};
      } else {
        end = Replayed{reply.value().result()};
      }
      break;
    }
    default:
      break;
  }
  co_return end;
}

Async<void> ToolExecution::refresh(Attempt* attempt) {
  deps_.catalog->forget(*attempt->execution->caller);
  if (attempt->tool.method == mcp::kToolsCall) {
    SLUICE_CO_CHECK_OK(co_await find_again(attempt));
  }
  if (attempt->tool.effect_class ==
      policy::v1::EFFECT_CLASS_READ) {  // a read's first grant may have been spent
    attempt->decision_id = decision_id_of(
        attempt->execution->owner,
        attempt->execution->context.chain,
        attempt->execution->call,
        attempt->tool
    );
  }
  co_return Result<void>();
}

Async<void> ToolExecution::find_again(Attempt* attempt) {
  SLUICE_CO_TRY(
      const SnapshotPtr snapshot,
      co_await deps_.catalog->snapshot(
          attempt->execution->caller, Narrowing(), attempt->execution->context
      )
  );
  SLUICE_CO_TRY(const Narrowing narrowing, Narrowing::parse(attempt->execution->request->headers));
  const ToolEntry* tool = snapshot->find(attempt->execution->call.name);
  // Under the same name there may be another server's tool by now.
  if (tool == nullptr || !narrowing.allows(tool->server, tool->tool)) {
    co_return Error(
        Code::NotFound,
        "the tool was removed while the call was on its way; look at the tools offered and try "
        "again"
    );
  }
  attempt->tool = *tool;
  co_return Result<void>();
}

}  // namespace sluice::ingress
