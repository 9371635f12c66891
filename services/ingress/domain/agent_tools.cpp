#include "services/ingress/domain/agent_tools.h"

#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/domain/tool_message.h"
#include "services/ingress/limits.h"

#include "common/async/parallel.h"
#include "common/mcp/json_rpc.h"

#include <utility>
#include <variant>

namespace sluice::ingress {

// One call under way; stays where it is while it runs.
struct AgentTools::Slot {
  AgentCall call;
  Execution execution;
  ToolExecution::Attempt attempt;
  bool found = false;  // attempt is of a tool, to be decided on
  std::optional<ExecutionEnd> end;
  std::optional<Error> error;
  std::optional<AgentCallEnd> meta;  // of a meta-tool
};

namespace {

bool is_read(const ToolEntry& tool) {
  return tool.effect_class == policy::v1::EFFECT_CLASS_READ;
}

std::string failure(std::string_view text, const std::string& id) {
  return text_message(text, IsError::Yes, id, CallFormat::Chat);
}

// An end as MCP words it, as the tool message for the model.
std::string message_of(const ExecutionEnd& end, const std::string& id) {
  if (std::holds_alternative<InputNeeded>(end)) {
    return failure(
        "The tool's server asks its client something in between, which only a client of /mcp can "
        "answer. Nothing was carried out.",
        id
    );
  }
  ToolOutcome outcome;
  const RpcEnd worded = rpc_end_of(end);
  if (const auto* error = std::get_if<mcp::RpcError>(&worded); error != nullptr) {
    outcome.error = mcp::to_json(*error);
  } else {
    outcome.result = std::get<std::string>(worded);
  }
  auto message = tool_message(outcome, id, CallFormat::Chat);
  return message.ok() ? std::move(message).value() : failure(message.error().message(), id);
}

std::string bounded_message(const ExecutionEnd& end, const std::string& id) {
  std::string message = message_of(end, id);
  if (message.size() <= kAgentResultBytesMax) {
    return message;
  }
  return text_message(
      "The call was carried out. Its result of " + std::to_string(message.size()) +
          " bytes is larger than the " + std::to_string(kAgentResultBytesMax) +
          " bytes that go to a model; ask for less at once.",
      IsError::No,
      id,
      CallFormat::Chat
  );
}

std::string bounded_text(const std::string& text, IsError is_error, const std::string& id) {
  if (text.size() <= kAgentResultBytesMax) {
    return text_message(text, is_error, id, CallFormat::Chat);
  }
  return text_message(
      "The script ended. What it returned and printed, " + std::to_string(text.size()) +
          " bytes, is larger than the " + std::to_string(kAgentResultBytesMax) +
          " bytes that go to a model; return less.",
      is_error,
      id,
      CallFormat::Chat
  );
}

// A client that has gone ends the turn; any other error is told to the model.
Result<void> cancelled_or_ok(const Error& error) {
  return error.code() == Code::Cancelled ? Result<void>(error) : Result<void>();
}

// A call that policy neither runs nor refuses: somebody has to execute or approve it.
bool waits(const ExecutionEnd& end) {
  const auto* withheld = std::get_if<Withheld>(&end);
  return withheld != nullptr &&
         (withheld->waits() || withheld->decision.verdict() == policy::v1::VERDICT_MANUAL);
}

// Certainly nothing of it has happened.
bool without_effect(const ExecutionEnd& end) {
  return std::holds_alternative<UnknownTool>(end) || std::holds_alternative<Withheld>(end) ||
         std::holds_alternative<NotCarriedOut>(end);
}

std::optional<PendingApproval> approval_of(
    const ExecutionEnd& end, const std::string& id, const ToolEntry& tool
) {
  const auto* withheld = std::get_if<Withheld>(&end);
  if (withheld == nullptr || !withheld->waits()) {
    return std::nullopt;
  }
  return PendingApproval{
      .id = withheld->decision.approval_id(),
      .tool_call_id = id,
      .server = tool.server,
      .tool = tool.tool,
      .required = withheld->decision.verdict(),
  };
}

bool is_meta(const AgentCall& call) {
  return call.kind == AgentCall::Kind::Script || call.kind == AgentCall::Kind::Reading;
}

}  // namespace

AgentCallEnd AgentTools::end_of(Slot& slot) {
  const std::string& id = slot.call.call.id;
  AgentCallEnd end;
  if (slot.meta) {
    return std::move(*slot.meta);
  }
  if (slot.error) {
    end.message = failure("Error: " + slot.error->message(), id);
    end.effect = slot.found && !is_read(slot.attempt.tool);
  } else if (slot.call.kind == AgentCall::Kind::Malformed) {
    end.message = failure("Error: this call is malformed: " + slot.call.fault, id);
  } else if (slot.end && waits(*slot.end)) {
    end.approval = approval_of(*slot.end, id, slot.attempt.tool);
  } else if (slot.end) {
    end.message = bounded_message(*slot.end, id);
    end.effect = slot.found && !is_read(slot.attempt.tool) && !without_effect(*slot.end);
  }
  return end;
}

Async<std::vector<AgentCallEnd>> AgentTools::run(
    const ChatTurn* turn, std::vector<AgentCall> calls
) {
  std::vector<Slot> slots(calls.size());
  std::vector<Async<void>> tasks;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    slots[i].call = std::move(calls[i]);
    SLUICE_CO_CHECK_OK(co_await find(&slots[i], turn));
  }
  SLUICE_CO_CHECK_OK(co_await decide(&slots));
  for (Slot& slot : slots) {
    if (slot.found) {
      tasks.push_back(carry_out(&slot));
    } else if (is_meta(slot.call)) {
      tasks.push_back(run_meta(&slot, turn));
    }
  }
  SLUICE_CO_CHECK_OK(co_await async::run_parallel(kAgentParallelCallsMax, std::move(tasks)));
  std::vector<AgentCallEnd> ends;
  ends.reserve(slots.size());
  for (Slot& slot : slots) {
    ends.push_back(end_of(slot));
  }
  co_return ends;
}

Async<void> AgentTools::find(Slot* slot, const ChatTurn* turn) {
  if (slot->call.kind != AgentCall::Kind::Tool) {
    co_return Result<void>();
  }
  Execution& execution = slot->execution;
  execution.request = turn->request;
  execution.caller = turn->caller;
  execution.owner = turn->owner;
  execution.context = turn->context;
  execution.context.hop += kHopsPerStep;
  execution.call = slot->call.call;
  execution.mode = policy::v1::MODE_AGENT;
  slot->attempt.execution = &execution;
  auto end = co_await deps_.tools->find(&slot->attempt, turn->snapshot, turn->narrowing);
  if (!end.ok()) {
    if (end.error().code() == Code::Cancelled) {
      co_return std::move(end).error();
    }
    slot->error = std::move(end).error();
    co_return Result<void>();
  }
  slot->end = std::move(end).value();
  slot->found = !slot->end.has_value();
  // A write whose caller has gone runs to its end, so that its outcome is recorded.
  execution.cancel_with_caller = is_read(slot->attempt.tool);
  co_return Result<void>();
}

Async<void> AgentTools::decide(std::vector<Slot>* slots) {
  std::vector<ToolExecution::Attempt*> together;
  for (Slot& slot : *slots) {
    if (slot.found) {
      together.push_back(&slot.attempt);
    }
  }
  if (together.empty()) {
    co_return Result<void>();
  }
  const auto decisions = static_cast<std::uint32_t>(together.size());
  auto decided = co_await deps_.tools->decide_together(std::move(together));
  for (Slot& slot : *slots) {  // policy-engine has recorded one decision a hop
    slot.execution.context.hop += decisions - 1;
  }
  if (!decided.ok() && decided.error().code() == Code::Conflict) {
    co_return Result<void>();  // decided one by one, with a fresh catalog
  }
  co_return decided;
}

Async<void> AgentTools::carry_out(Slot* slot) {
  auto end = co_await deps_.tools->run(&slot->attempt);
  if (end.ok()) {
    slot->end = std::move(end).value();
    co_return Result<void>();
  }
  if (end.error().code() == Code::Cancelled) {
    co_return std::move(end).error();
  }
  slot->error = std::move(end).error();
  co_return Result<void>();
}

Async<void> AgentTools::run_meta(Slot* slot, const ChatTurn* turn) {
  const ToolCall& call = slot->call.call;
  RequestContext context = turn->context;
  context.hop += kHopsPerStep;
  SLUICE_CO_CHECK_OK(deps_.trail->tool_execute(context, *turn->caller, call, nullptr, ""));
  if (slot->call.kind == AgentCall::Kind::Script) {
    co_return co_await run_script(slot, turn, std::move(context));
  }
  auto text = co_await deps_.code->read(
      call.name, call.arguments, turn->narrowing.filter(), std::move(context)
  );
  if (!text.ok()) {
    slot->error = std::move(text).error();
    co_return cancelled_or_ok(*slot->error);
  }
  slot->meta.emplace().message = bounded_text(text.value(), IsError::No, call.id);
  co_return Result<void>();
}

// Runs where every call of the script's set is automatic; otherwise it waits to be executed.
Async<void> AgentTools::run_script(Slot* slot, const ChatTurn* turn, RequestContext context) {
  const ToolCall& call = slot->call.call;
  auto source = script_of(call.arguments);
  if (!source.ok()) {
    slot->error = std::move(source).error();
    co_return Result<void>();
  }
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  auto answer = co_await deps_.code->run(
      {.request = turn->request,
       .source = std::move(source).value(),
       .call_id = call.id,
       .filter = turn->narrowing.filter(),
       .unattended = true},
      std::move(context)
  );
  AgentCallEnd& end = slot->meta.emplace();
  if (!answer.ok()) {
    const bool untouched =
        answer.error().code() == Code::Invalid || answer.error().code() == Code::Exhausted;
    end.message = failure("Error: " + answer.error().message(), call.id);
    end.effect = !untouched;
    end.hop = turn->context.hop + kHopsPerRunMax;
    co_return cancelled_or_ok(answer.error());
  }
  end.hop = answer.value().hop;
  end.effect = answer.value().called;
  if (answer.value().waits) {
    end.script =
        WaitingScript{.tool_call_id = call.id, .call_set = std::move(answer.value().call_set)};
    co_return Result<void>();
  }
  const IsError is_error = answer.value().ok ? IsError::No : IsError::Yes;
  end.message = bounded_text(answer.value().content, is_error, call.id);
  co_return Result<void>();
}

}  // namespace sluice::ingress
