#include "services/codemode-sandbox/domain/tool_caller.h"

#include "services/codemode-sandbox/domain/script_value.h"
#include "services/codemode-sandbox/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/mcp/server_id.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

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

bool waits(const policy::v1::Decision& decision) {
  return decision.grant().empty() && !decision.approval_id().empty() &&
         (decision.verdict() == policy::v1::VERDICT_APPROVE ||
          decision.verdict() == policy::v1::VERDICT_APPROVE_TWICE);
}

// policy-engine's refusal, with what to do next.
runner::CallResult refused(const policy::v1::Decision& decision, const std::string& hint) {
  if (decision.rule() == kUnknownTool) {
    return rejected("NotFound", "there is no such tool; " + hint);
  }
  if (decision.retry_after_ms() > 0) {
    return rejected("rate_limited", decision.reason() + " (rule " + decision.rule() + ")");
  }
  if (decision.verdict() == policy::v1::VERDICT_MANUAL) {
    return rejected(
        "Denied",
        decision.reason() + " (rule " + decision.rule() +
            "): not in a script that runs unattended; execute the script explicitly"
    );
  }
  return rejected("Denied", decision.reason() + " (rule " + decision.rule() + "); " + hint);
}

// A value that does not fit the tool's schema.
runner::CallResult misfit(
    std::string_view code, const std::string& what, const json::Violation& fault
) {
  runner::CallResult result =
      rejected(code, what + (fault.path.empty() ? "" : " at " + fault.path) + ": " + fault.message);
  result.mutable_error()->set_path(fault.path);
  return result;
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
  find_tool(&work);
  const runner::ToolCall& asked = work.call.asked;
  const std::string run_id = work.scope->context.run.str();
  deps_.list->call_started(
      run_id,
      {.call_id = asked.call_id(),
       .server = work.tool.server,
       .tool = work.tool.tool,
       .call_site = asked.call_site(),
       .arguments = work.call.arguments},
      deps_.clock->unix_ms()
  );
  SLUICE_CO_TRY(runner::CallResult result, co_await carry_out_checked(&work));
  result.set_call_id(asked.call_id());
  deps_.list->call_ended(
      run_id,
      {.call_id = asked.call_id(),
       .outcome = result.has_error() ? result.error().code() : "resolved",
       .message = result.error().message(),
       .rule = work.rule},
      deps_.clock->unix_ms()
  );
  count(result);
  co_return result;
}

Async<runner::CallResult> ToolCaller::carry_out_checked(Work* work) {
  const std::string name = work->call.asked.server() + "." + work->call.asked.function();
  if (work->call.arguments.empty()) {
    co_return rejected(
        "Invalid",
        "the argument of " + name + " is not one JSON object; call it as tool({name: value})"
    );
  }
  if (work->tool.definition_hash.empty() && work->scope->filter.restricted()) {
    co_return refuse(
        work,
        "request.include",
        "the request's include headers leave this tool out, or there is none of that name"
    );
  }
  if (!work->scope->calls.allows(work->call.asked.server(), work->call.asked.function())) {
    co_return refuse(
        work,
        "script.call_set",
        "the call is not among those that were found in the script before it ran"
    );
  }
  if (const auto fault = bridge_.arguments(work->tool, work->call.arguments); fault) {
    co_return misfit("invalid_arguments", "the argument of " + name, *fault);
  }
  SLUICE_CO_TRY(runner::CallResult result, co_await decide_and_run(work));
  if (result.has_value()) {
    if (const auto fault = bridge_.result(work->tool, result.value()); fault) {
      co_return misfit("invalid_result", "the call was carried out; the result of " + name, *fault);
    }
  }
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

runner::CallResult ToolCaller::refuse(Work* work, std::string_view rule, std::string_view reason) {
  work->rule = rule;
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
  record.set_rule(std::string(rule));
  record.set_reason(std::string(reason));
  record.set_detail("call " + work->call.path + " of the script");
  if (auto recorded = deps_.audit->record(std::move(record)); !recorded.ok()) {
    return rejected(recorded.error());
  }
  return rejected(
      "Denied", std::string(reason) + "; " + work->scope->tools->hint(work->call.asked.server())
  );
}

// A call that waits for people, while it lives.
class ToolCaller::Wait {
 public:
  Wait(const Deps& deps, RunScope* scope, const std::string& approval_id)
      : deps_(deps), scope_(scope), place_(deps.approvals, approval_id) {
    const TimePoint now = deps_.clock->now();
    until_ = now;
    if (const auto time = scope_->parking.begin_wait(deps_.lot, now, scope_->script); time) {
      until_ += *time;
      begun_ = true;
      deps_.list->parked(scope_->context.run.str(), approval_id);
    }
  }

  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  Wait(Wait&&) = delete;
  Wait& operator=(Wait&&) = delete;

  ~Wait() {
    if (begun_) {
      scope_->parking.end_wait(deps_.clock->now(), scope_->script);
      deps_.list->parked(scope_->context.run.str(), "");
    }
  }

  // True: time to ask again. False: the time is over, or the run.
  Async<bool> next() {
    const TimePoint now = deps_.clock->now();
    if (now >= until_ || scope_->script == nullptr) {
      co_return false;
    }
    SLUICE_CO_CHECK_OK(
        co_await place_.wait(deps_.clock, std::min<TimePoint>(until_, now + kApprovalLook))
    );
    co_return scope_->script != nullptr;
  }

 private:
  const Deps& deps_;
  RunScope* scope_;
  async::KeyWatch::Place place_;
  TimePoint until_{};
  bool begun_ = false;
};

Async<runner::CallResult> ToolCaller::decide_and_run(Work* work) {
  std::optional<Wait> wait;
  for (;;) {  // at most kDecisionsMax rounds, and those of a wait, which has an end
    const std::uint32_t decisions = work->decisions;
    auto decided = co_await decide_current(work);
    if (!decided.ok() && !wait) {
      co_return rejected(decided.error());
    }
    if (!decided.ok() || waits(decided.value())) {
      if (!wait) {
        wait.emplace(deps_, work->scope.get(), decided.value().approval_id());
      }
      SLUICE_CO_TRY(const bool again, co_await wait->next());
      if (again) {
        work->decisions = decisions;  // the same decision is asked for again
        continue;
      }
      if (!decided.ok()) {
        co_return rejected(decided.error());
      }
      end_unapproved(work, decided.value());
      co_return rejected("approval_required", "nobody has approved the call in time");
    }
    wait.reset();
    const policy::v1::Decision& decision = decided.value();
    work->rule = decision.rule();
    if (decision.grant().empty()) {
      co_return refused(decision, work->scope->tools->hint(work->call.asked.server()));
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

void ToolCaller::end_unapproved(Work* work, const policy::v1::Decision& decision) {
  RunScope& scope = *work->scope;
  if (scope.script == nullptr) {
    return;
  }
  codemode::v1::ScriptError error;
  error.set_message(
      work->tool.server + "." + work->tool.tool + " needs an approval, which was not given while " +
      "the script waited: " + decision.approval_id() + " (rule " + decision.rule() + ")"
  );
  error.set_hint(
      "when it is approved, execute the same call again under its tool call id: what the script "
      "has done is answered from the trail"
  );
  scope.approval_id = decision.approval_id();
  scope.script->stop(codemode::v1::OUTCOME_APPROVAL_REQUIRED, std::move(error));
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
  request.set_mode(work->scope->mode);
  auto* call = request.add_calls();
  call->set_server_id(work->tool.server_id);
  call->set_server(work->tool.server);
  call->set_tool(work->tool.tool);
  call->set_definition_hash(work->tool.definition_hash);
  call->set_arguments(work->call.arguments);
  call->set_tool_call_id(work->scope->tool_call_id);
  call->set_call_path(work->call.path);
  call->set_at_least(work->scope->at_least());
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
