#include "services/codemode-sandbox/domain/tool_caller.h"

#include "services/codemode-sandbox/domain/script_value.h"
#include "services/codemode-sandbox/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/mcp/server_id.h"

#include <utility>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kDecisionIdBytes = 16;
// Hops of one decision and of what the connector records under it.
constexpr std::uint32_t kHopsPerDecision = 4;
// Rules by which policy-engine says that its catalog is not the one the call was made from.
constexpr std::string_view kCatalogRules = "catalog.";
constexpr std::string_view kUnknownTool = "catalog.unknown_tool";

runner::CallResult rejected(std::string_view code, std::string message) {
  runner::CallResult result;
  result.mutable_error()->set_code(std::string(code));
  result.mutable_error()->set_message(std::move(message));
  return result;
}

runner::CallResult rejected(const Error& error) {
  return rejected(name_of(error.code()), error.message());
}

runner::CallResult settled(ScriptValue value) {
  if (value.is_error()) {
    return rejected("tool_error", std::move(value.error));
  }
  runner::CallResult result;
  result.set_value(std::move(value.json));
  return result;
}

runner::CallResult outcome_unknown() {
  return rejected(
      "outcome_unknown",
      "the call was sent to its server and no answer was recorded; look whether it had its effect "
      "before you make it again"
  );
}

runner::CallResult not_carried_out(const std::string& why) {
  return rejected("not_carried_out", why + "; nothing was carried out");
}

runner::CallResult settled(const connector::v1::Final& final) {
  if (final.outcome() == connector::v1::OUTCOME_UNKNOWN) {
    return outcome_unknown();
  }
  if (final.outcome() == connector::v1::OUTCOME_FAILED) {
    return not_carried_out(
        final.error().empty() ? "the tool's server could not be reached"
                              : value_of_error(final.error()).error
    );
  }
  return settled(
      final.error().empty() ? value_of_result(final.result()) : value_of_error(final.error())
  );
}

// policy-engine's refusal, with what to do next.
runner::CallResult refused(const policy::v1::Decision& decision, const std::string& hint) {
  if (decision.rule() == kUnknownTool) {
    return rejected("NotFound", "there is no such tool; " + hint);
  }
  if (decision.retry_after_ms() > 0) {
    return rejected("rate_limited", decision.reason() + " (rule " + decision.rule() + ")");
  }
  const bool waits = decision.verdict() == policy::v1::VERDICT_APPROVE ||
                     decision.verdict() == policy::v1::VERDICT_APPROVE_TWICE;
  return rejected(
      waits ? "approval_required" : "Denied",
      decision.reason() + " (rule " + decision.rule() + ")" +
          (waits ? ", approval " + decision.approval_id() +
                       ": when it is given, execute the script again under its tool call id; "
                 : "; ") +
          hint
  );
}

bool is_read(const policy::v1::Decision& decision) {
  return decision.effect_class() == policy::v1::EFFECT_CLASS_READ;
}

}  // namespace

ScriptCall ToolCaller::prepare(RunScope* scope, runner::ToolCall asked) {
  ScriptCall call;
  const auto parsed = json::parse(
      asked.arguments(), {.depth_max = kValueDepthMax, .bytes_max = kCallArgumentsBytesMax}
  );
  if (parsed.ok() && parsed.value().is_object()) {
    call.arguments = json::canonical(parsed.value());
  }
  call.path = asked.call_site() + "#" + std::to_string(asked.call_id());
  const bool executed = !scope->tool_call_id.empty();
  crypto::Sha256 digest;
  digest.field("script-call-v1")
      .field(scope->caller.tenant())
      .field(scope->caller.principal())
      .field(scope->context.chain.str())
      .field(executed ? scope->tool_call_id : scope->context.run.str())
      .field(scope->source_digest)
      .field(asked.call_site())
      .field(asked.server())
      .field(asked.function())
      .field(crypto::sha256(call.arguments));
  call.identity = digest.finish();
  const std::uint32_t before = scope->repeats[call.identity]++;
  crypto::Sha256 numbered;
  numbered.field(call.identity).field(std::to_string(before));
  call.identity = numbered.finish();
  call.asked = std::move(asked);
  return call;
}

Async<runner::CallResult> ToolCaller::call(RunScopePtr scope, ScriptCall call) {
  Work work;
  work.scope = std::move(scope);
  work.call = std::move(call);
  const std::uint32_t call_id = work.call.asked.call_id();
  runner::CallResult result;
  if (work.call.arguments.empty()) {
    result = rejected(
        "Invalid",
        "the argument of " + work.call.asked.server() + "." + work.call.asked.function() +
            " is not one JSON object; call it as tool({name: value})"
    );
  } else {
    find_tool(&work);
    if (work.tool.definition_hash.empty() && work.scope->filter.restricted()) {
      result = refuse_left_out(&work);
    } else {
      SLUICE_CO_TRY(result, co_await decide_and_run(&work));
    }
  }
  result.set_call_id(call_id);
  count(result);
  co_return result;
}

void ToolCaller::find_tool(Work* work) {
  const auto& asked = work->call.asked;
  const ScriptTool* known = work->scope->tools->find(asked.server(), asked.function());
  if (known != nullptr) {
    work->tool = *known;
    return;
  }
  work->tool = ScriptTool{};
  work->tool.server_id = mcp::server_id(asked.server()).str();
  work->tool.server = asked.server();
  work->tool.tool = asked.function();
}

// The request's own include headers; policy-engine does not know them.
runner::CallResult ToolCaller::refuse_left_out(Work* work) {
  RequestContext context = work->scope->context;
  context.hop = work->scope->hop_of_call(work->call.asked.call_id());
  auto record = audit::record_of(context, "tool.refused");
  record.set_agent(work->scope->caller.agent());
  record.set_key_id(work->scope->caller.key_id());
  record.set_server(work->tool.server);
  record.set_tool(work->tool.tool);
  record.set_tool_call_id(work->scope->tool_call_id);
  record.set_args_digest(crypto::sha256(work->call.arguments));
  record.set_outcome(audit::v1::OUTCOME_REFUSED);
  record.set_rule("request.include");
  record.set_reason("not among the tools that the request includes");
  record.set_detail("call " + work->call.path + " of the script");
  if (auto recorded = deps_.audit->record(std::move(record)); !recorded.ok()) {
    return rejected(recorded.error());
  }
  return rejected(
      "Denied",
      "the request's include headers leave this tool out, or there is none of that name; " +
          work->scope->tools->hint(work->tool.server)
  );
}

Async<runner::CallResult> ToolCaller::decide_and_run(Work* work) {
  for (;;) {  // at most kDecisionsMax rounds
    auto decided = co_await decide_current(work);
    if (!decided.ok()) {
      co_return rejected(decided.error());
    }
    const policy::v1::Decision& decision = decided.value();
    if (decision.grant().empty()) {
      co_return refused(decision, work->scope->tools->hint(work->tool.server));
    }
    const bool read = is_read(decision);
    std::string grant_id = decision.grant_id();
    const auto final = co_await carry_out(work, std::move(decided).value());
    if (final.ok()) {
      co_return settled(final.value());
    }
    const Code code = final.error().code();
    if (code == Code::Cancelled || (read && code != Code::Conflict)) {
      co_return rejected(final.error());
    }
    if (!read) {  // used before, refused under an older policy, or cut off: the trail says which
      SLUICE_CO_TRY(runner::CallResult known, co_await recall(work, std::move(grant_id)));
      if (known.result_case() != runner::CallResult::RESULT_NOT_SET) {
        co_return known;
      }
    }
    if (code != Code::Conflict || work->decisions >= kDecisionsMax) {
      co_return rejected(final.error());
    }
    if (auto refreshed = co_await refresh(work); !refreshed.ok()) {
      co_return rejected(refreshed.error());
    }
  }
}

Async<policy::v1::Decision> ToolCaller::decide_current(Work* work) {
  auto decided = co_await decide(work);
  const bool outdated = decided.ok() ? decided.value().rule().starts_with(kCatalogRules)
                                     : decided.error().code() == Code::Conflict;
  if (!outdated || work->decisions >= kDecisionsMax) {
    co_return decided;
  }
  const std::string seen = work->tool.definition_hash;
  SLUICE_CO_CHECK_OK(co_await refresh(work));
  if (decided.ok() && work->tool.definition_hash == seen) {
    co_return decided;
  }
  co_return co_await decide(work);
}

Async<policy::v1::Decision> ToolCaller::decide(Work* work) {
  // A read may be repeated; its grant may not.
  const bool repeatable = work->tool.effect_class == policy::v1::EFFECT_CLASS_READ;
  policy::v1::DecideRequest request;
  request.set_decision_id(
      repeatable ? crypto::random_bytes(kDecisionIdBytes)
                 : work->call.identity.substr(0, kDecisionIdBytes)
  );
  request.set_decision_unix_ms(deps_.clock->unix_ms());
  request.set_mode(policy::v1::MODE_CODE);
  auto* call = request.add_calls();
  call->set_server_id(work->tool.server_id);
  call->set_server(work->tool.server);
  call->set_tool(work->tool.tool);
  call->set_definition_hash(work->tool.definition_hash);
  call->set_arguments(work->call.arguments);
  call->set_tool_call_id(work->scope->tool_call_id);
  call->set_call_path(work->call.path);
  RequestContext context = work->scope->context;
  context.hop =
      work->scope->hop_of_call(work->call.asked.call_id()) + work->decisions * kHopsPerDecision;
  ++work->decisions;
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

Async<connector::v1::Final> ToolCaller::carry_out(Work* work, policy::v1::Decision decision) {
  connector::v1::Request request;
  request.set_server_id(work->tool.server_id);
  request.set_method("tools/call");
  request.set_params(work->call.arguments);
  request.set_grant(std::move(*decision.mutable_grant()));
  request.set_tool_call_id(work->scope->tool_call_id);
  RequestContext context = work->scope->context;
  context.hop = work->scope->hop_of_call(work->call.asked.call_id()) + 1 +
                (work->decisions - 1) * kHopsPerDecision;
  co_return co_await deps_.servers->request(std::move(request), std::move(context));
}

Async<runner::CallResult> ToolCaller::recall(Work* work, std::string grant_id) {
  audit::v1::JournalRequest request;
  request.set_grant_id(std::move(grant_id));
  request.set_tenant(work->scope->caller.tenant());
  request.set_principal(work->scope->caller.principal());
  auto reply = co_await deps_.journal->journal(std::move(request), work->scope->context);
  if (!reply.ok()) {
    co_return rejected(
        "outcome_unknown",
        "whether the call was carried out cannot be looked up now; look at the audit trail before "
        "you make it again"
    );
  }
  switch (reply.value().state()) {
    case audit::v1::JournalReply::STATE_IN_PROGRESS:
      co_return rejected(
          "in_progress",
          "this call was started before by the same script and has not ended; run the script again "
          "in a few seconds"
      );
    case audit::v1::JournalReply::STATE_UNKNOWN:
      co_return outcome_unknown();
    case audit::v1::JournalReply::STATE_FINISHED:
      break;
    default:
      co_return runner::CallResult();
  }
  audit::v1::Record outcome;
  if (outcome.ParseFromString(reply.value().outcome_record())) {
    if (outcome.outcome() == audit::v1::OUTCOME_UNKNOWN) {
      co_return outcome_unknown();
    }
    if (outcome.outcome() != audit::v1::OUTCOME_DONE) {
      co_return not_carried_out("this call was tried before and failed");
    }
  }
  if (reply.value().result().empty()) {
    co_return rejected(
        "result_expired",
        "this call was carried out earlier and its result is no longer kept; the audit trail has "
        "its digest"
    );
  }
  co_return settled(value_of_record(reply.value().result()));
}

Async<void> ToolCaller::refresh(Work* work) {
  SLUICE_CO_TRY(
      work->scope->tools, co_await deps_.apis->of(work->scope->filter, work->scope->context)
  );
  find_tool(work);
  co_return Result<void>();
}

void ToolCaller::count(const runner::CallResult& result) {
  deps_.metrics
      ->counter(
          "sluice_codemode_tool_calls_total",
          "Tool calls of scripts, by result.",
          {{"result", result.has_error() ? "rejected" : "resolved"}}
      )
      .add();
}

}  // namespace sluice::codemode_sandbox
