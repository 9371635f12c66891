#include "services/ingress/domain/mcp_execution.h"

#include "services/ingress/domain/mcp_approval_form.h"
#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/limits.h"

#include "common/mcp/protocol.h"

#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kLogMessage = "notifications/message";

// Progress goes on under the client's own token, log messages as they are. What cannot be read, or
// nobody asked for, is dropped; the call goes on.
Async<void> forward(
    McpEvents* reply,
    observability::Log* log,
    std::optional<json::Value> token,
    std::string notification
) {
  const auto message = mcp::parse_message(notification);
  if (message.ok() && message.value().method == kLogMessage) {
    co_return co_await reply->notify(std::move(notification));
  }
  if (!token) {
    co_return Result<void>();
  }
  auto progress = progress_for(notification, std::move(*token));
  if (!progress.ok()) {
    log->debug("progress-dropped", {{"error", progress.error().to_log()}});
    co_return Result<void>();
  }
  co_return co_await reply->notify(std::move(progress).value());
}

// The codes by which mcp-connector says that this caller has no such request waiting.
bool is_refusal(Code code) {
  return code == Code::Invalid || code == Code::NotFound || code == Code::Denied ||
         code == Code::Conflict;
}

Error not_waiting() {
  return Error(
      Code::Invalid,
      "no request of yours with this requestState, method and params waits for answers; send the "
      "request anew, without requestState"
  );
}

}  // namespace

Async<Execution> McpExecution::begin(
    McpExchange* exchange, ToolCall call, std::string method, json::Value params
) {
  Execution execution;
  execution.request = exchange->request;
  execution.caller = exchange->caller;
  execution.owner = exchange->owner;
  execution.call = std::move(call);
  execution.cancel_with_caller = exchange->cancellable;
  SLUICE_CO_TRY(execution.approval_id, approval_header(exchange->request->headers));
  SLUICE_CO_TRY(execution.client, co_await client_of(exchange, std::move(method), &params));
  SLUICE_CO_TRY(auto chain, chain_header(exchange->request->headers));
  if (!chain && !exchange->session.empty()) {  // the calls of a session are one conversation
    chain = derived_chain(exchange->owner, exchange->session);
  }
  execution.chain_named = chain.has_value();
  SLUICE_CO_TRY(
      ChainPoint point,
      co_await deps_.chains->find(exchange->owner, std::move(chain), {}, exchange->context)
  );
  execution.context = exchange->context;
  execution.context.chain = std::move(point.chain);
  execution.context.hop = point.hop;
  const auto token = progress_token_of(params);
  if (exchange->alone && (token || !execution.client.log_level.empty())) {
    execution.progress = [reply = exchange->reply, log = deps_.log, token](std::string notification
                         ) -> Async<void> {
      return forward(reply, log, token, std::move(notification));
    };
  }
  co_return execution;
}

Async<void> McpExecution::finish(McpExchange* exchange, const Execution* execution) {
  if (!execution->chain_named) {
    co_return Result<void>();
  }
  co_return co_await deps_.chains->remember_chain(
      exchange->owner, {execution->context.chain, execution->context.hop + kHopsPerStep - 1}
  );
}

Async<McpClient> McpExecution::client_of(
    McpExchange* exchange, std::string method, const json::Value* params
) {
  McpClient client;
  client.session = exchange->session;
  if (exchange->era == McpEra::Modern) {
    SLUICE_CO_TRY(client, modern_client_in(*params));
  } else if (exchange->alone) {
    SLUICE_CO_TRY(
        const McpSessionState state,
        co_await deps_.sessions->state(exchange->owner, exchange->session)
    );
    client = client_in(exchange->session, state);
  }
  if (!may_ask(method)) {
    client.capabilities.clear();
  }
  co_return client;
}

Async<ExecutionEnd> McpExecution::run(
    McpExchange* exchange, Execution* execution, SnapshotPtr tools, Narrowing narrowing
) {
  SLUICE_CO_TRY(ExecutionEnd end, co_await deps_.tools->run(execution, tools, narrowing));
  SLUICE_CO_TRY(
      end,
      co_await approve(exchange, execution, std::move(tools), std::move(narrowing), std::move(end))
  );
  co_return co_await settle(exchange, execution, std::move(end));
}

Async<ExecutionEnd> McpExecution::request(
    McpExchange* exchange, Execution* execution, ToolEntry target, std::optional<InputRetry> retry
) {
  if (retry) {
    co_return co_await resume(execution, std::move(target), std::move(*retry));
  }
  SLUICE_CO_TRY(ExecutionEnd end, co_await deps_.tools->request(execution, std::move(target)));
  co_return co_await settle(exchange, execution, std::move(end));
}

Async<ExecutionEnd> McpExecution::resume(Execution* execution, ToolEntry target, InputRetry retry) {
  if (retry.state.server_id != target.server_id) {
    co_return not_waiting();
  }
  InputNeeded needed{
      .server_id = std::move(target.server_id),
      .server = std::move(target.server),
      .method = std::move(target.method),
      .request_id = std::move(retry.state.request_id),
      .requests = {}
  };
  auto end = co_await deps_.tools->go_on(execution, std::move(needed), std::move(retry.responses));
  if (!end.ok() && is_refusal(end.error().code())) {
    co_return not_waiting().with_detail(end.error().to_log());
  }
  co_return end;
}

Async<ExecutionEnd> McpExecution::approve(
    McpExchange* exchange,
    Execution* execution,
    SnapshotPtr tools,
    Narrowing narrowing,
    ExecutionEnd end
) {
  for (std::size_t round = 0; round < kMcpApprovalRoundsMax; ++round) {
    const auto* withheld = std::get_if<Withheld>(&end);
    if (withheld == nullptr || !withheld->waits() || withheld->decision.approval_id().empty() ||
        !fills_in_forms(execution->client.capabilities)) {
      break;
    }
    const std::string id = withheld->decision.approval_id();
    const bool modern = exchange->era == McpEra::Modern;
    auto standing = modern ? co_await deps_.approvals->ask(execution, id)
                           : co_await deps_.approvals->wait(exchange, execution, id);
    if (!standing.ok()) {
      const Code code = standing.error().code();
      if (code == Code::Cancelled || code == Code::Invalid) {
        co_return standing.error();
      }
      break;  // the client knows the approval's id by the end
    }
    if (auto* question = std::get_if<InputNeeded>(&standing.value())) {
      execution->chain_named = true;  // it comes back in it
      co_return std::move(*question);
    }
    if (std::holds_alternative<McpApprovals::Left>(standing.value())) {
      break;
    }
    execution->context.hop += kHopsPerStep;
    SLUICE_CO_TRY(end, co_await run_approved(execution, tools, narrowing, id));
  }
  co_return end;
}

Async<ExecutionEnd> McpExecution::run_approved(
    Execution* execution, SnapshotPtr tools, Narrowing narrowing, std::string approval_id
) {
  execution->approval_id = std::move(approval_id);
  SLUICE_CO_TRY(
      execution->context.caller_token,
      co_await deps_.admission->fresh_token(execution->request, execution->context)
  );
  co_return co_await deps_.tools->run(execution, std::move(tools), std::move(narrowing));
}

Async<void> McpExecution::continue_chain(
    McpExchange* exchange, Execution* execution, std::string approval_id
) {
  SLUICE_CO_TRY(
      const policy::v1::Approval approval,
      co_await deps_.approvals->find(execution, std::move(approval_id))
  );
  if (execution->chain_named || approval.chain_id().empty()) {
    co_return Result<void>();
  }
  SLUICE_CO_TRY(
      ChainPoint point,
      co_await deps_.chains->find(
          exchange->owner, ChainId(approval.chain_id()), {}, exchange->context
      )
  );
  execution->context.chain = std::move(point.chain);
  execution->context.hop = point.hop;
  execution->chain_named = true;
  // The same call: repeating it repeats its decision.
  execution->call.id = approval.tool_call_id();
  co_return Result<void>();
}

Async<ExecutionEnd> McpExecution::resume_approval(
    McpExchange* exchange,
    Execution* execution,
    SnapshotPtr tools,
    Narrowing narrowing,
    InputRetry retry
) {
  const std::string id = retry.state.request_id;
  SLUICE_CO_CHECK_OK(co_await continue_chain(exchange, execution, id));
  SLUICE_CO_TRY(
      auto standing,
      co_await deps_.approvals->resume(
          execution, id, std::move(retry.responses), exchange->context.deadline
      )
  );
  if (auto* question = std::get_if<InputNeeded>(&standing)) {
    co_return std::move(*question);
  }
  if (const auto* left = std::get_if<McpApprovals::Left>(&standing)) {
    Withheld withheld;
    withheld.decision.set_verdict(left->approval.required());
    withheld.decision.set_rule(left->approval.rule());
    withheld.decision.set_reason("the approval has not been given yet");
    withheld.decision.set_approval_id(left->approval.id());
    co_return withheld;
  }
  SLUICE_CO_TRY(ExecutionEnd end, co_await run_approved(execution, tools, narrowing, id));
  SLUICE_CO_TRY(
      end,
      co_await approve(exchange, execution, std::move(tools), std::move(narrowing), std::move(end))
  );
  co_return end;
}

Async<ExecutionEnd> McpExecution::settle(
    McpExchange* exchange, Execution* execution, ExecutionEnd end
) {
  for (std::size_t round = 0;; ++round) {
    const auto* needed = std::get_if<InputNeeded>(&end);
    if (needed == nullptr || exchange->era == McpEra::Modern) {
      co_return end;
    }
    if (round >= kMcpInputRoundsMax) {
      co_return Error(
          Code::Exhausted, "the server asked its client too many times in one request; repair it"
      );
    }
    InputNeeded question = *needed;
    SLUICE_CO_TRY(
        std::string responses, co_await answers_of(exchange, execution, question.requests)
    );
    SLUICE_CO_TRY(
        end, co_await deps_.tools->go_on(execution, std::move(question), std::move(responses))
    );
  }
}

Async<std::string> McpExecution::answers_of(
    McpExchange* exchange, const Execution* execution, std::string requests
) {
  SLUICE_CO_TRY(std::vector<Question> questions, questions_in(requests));
  if (questions.empty()) {
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kMcpEmptyRoundWait));
    co_return std::string("{}");
  }
  co_return co_await deps_.calls->ask(
      {.owner = exchange->owner, .session = exchange->session},
      execution->client.capabilities,
      std::move(questions),
      exchange->reply,
      exchange->context.deadline
  );
}

}  // namespace sluice::ingress
