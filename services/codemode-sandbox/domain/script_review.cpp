#include "services/codemode-sandbox/domain/script_review.h"

#include "services/codemode-sandbox/limits.h"

#include "common/crypto/random.h"

#include <utility>

namespace sluice::codemode_sandbox {
namespace {

ReviewEnd ended(codemode::v1::Outcome outcome, std::string message, std::string hint) {
  ReviewEnd end;
  end.outcome = outcome;
  end.error.set_message(std::move(message));
  end.error.set_hint(std::move(hint));
  return end;
}

ReviewEnd escaped(const codemode::v1::Escape& escape) {
  ReviewEnd end = ended(
      codemode::v1::OUTCOME_TYPE_ERROR,
      escape.reason() + "; which calls the script makes could not be told before it runs",
      escape.hint()
  );
  end.error.set_line(escape.line());
  end.error.set_column(escape.column());
  end.error.set_excerpt(escape.excerpt());
  return end;
}

// "files.write_file (preset.safe: …)", a bounded number of them.
std::string listed(const std::vector<const codemode::v1::CallVerdict*>& calls, bool with_reason) {
  std::string text;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i == kCallsInMessageMax) {
      return text + " and " + std::to_string(calls.size() - i) + " more";
    }
    text.append(i == 0 ? "" : ", ").append(calls[i]->server()).append(".").append(calls[i]->tool());
    if (with_reason) {
      text.append(" (")
          .append(calls[i]->rule())
          .append(": ")
          .append(calls[i]->reason())
          .append(")");
    }
  }
  return text;
}

policy::v1::DecideRequest request_for(
    const RunScope& scope,
    const std::vector<const ScriptTool*>& tools,
    std::chrono::milliseconds life,
    std::int64_t now_unix_ms
) {
  policy::v1::DecideRequest request;
  request.set_decision_id(crypto::random_bytes(kDecisionIdBytes));
  request.set_decision_unix_ms(now_unix_ms);
  request.set_mode(scope.mode);
  policy::v1::ScriptRun& script = *request.mutable_script();
  script.set_run_id(scope.context.run.str());
  script.set_source_digest(scope.source_digest);
  script.set_life_ms(static_cast<std::uint32_t>(life.count()));
  for (const ScriptTool* tool : tools) {
    policy::v1::ToolCall& call = *script.add_calls();
    call.set_server_id(tool->server_id);
    call.set_server(tool->server);
    call.set_tool(tool->tool);
    call.set_definition_hash(tool->definition_hash);
    call.set_tool_call_id(scope.tool_call_id);
    call.set_at_least(scope.at_least());
  }
  return request;
}

}  // namespace

Async<ReviewEnd> ScriptReview::review(
    RunScope* scope, const codemode::v1::Check* check, std::chrono::milliseconds life
) {
  scope->calls = CallSet(*check);
  if (scope->calls.escapes() && deps_.escapes == Escapes::Refuse) {
    co_return escaped(check->escapes(0));
  }
  const std::vector<const ScriptTool*> tools = scope->calls.tools(*scope->tools);
  SLUICE_CO_TRY(
      policy::v1::DecideReply reply,
      co_await deps_.policy->decide(
          request_for(*scope, tools, life, deps_.clock->unix_ms()), scope->context
      )
  );
  const auto& decisions = reply.script().decisions();
  if (static_cast<std::size_t>(decisions.size()) != tools.size()) {
    co_return Error(Code::Internal, "policy-engine answered without a decision; report this");
  }
  ReviewEnd end;
  for (int i = 0; i < decisions.size(); ++i) {
    codemode::v1::CallVerdict& call = end.call_set.emplace_back();
    call.set_server(tools[static_cast<std::size_t>(i)]->server);
    call.set_tool(tools[static_cast<std::size_t>(i)]->tool);
    call.set_verdict(decisions[i].verdict());
    call.set_rule(decisions[i].rule());
    call.set_reason(decisions[i].reason());
  }
  std::vector<const codemode::v1::CallVerdict*> denied;
  std::vector<const codemode::v1::CallVerdict*> waiting;
  for (const auto& call : end.call_set) {
    if (call.verdict() == policy::v1::VERDICT_DENY) {
      denied.push_back(&call);
    } else if (call.verdict() != policy::v1::VERDICT_AUTO) {
      waiting.push_back(&call);
    }
  }
  const bool unattended = scope->mode == policy::v1::MODE_AGENT_CODE;
  if (!denied.empty()) {
    end.outcome = codemode::v1::OUTCOME_DENIED;
    end.error.set_message("policy refuses " + listed(denied, true) + "; nothing ran");
    end.error.set_hint("write the script without these calls");
  } else if (unattended && (!waiting.empty() || scope->calls.escapes())) {
    end.outcome = codemode::v1::OUTCOME_WAITS;
    end.error.set_message(
        waiting.empty() ? "which calls the script makes cannot be told; nothing ran"
                        : "not automatic: " + listed(waiting, false) + "; nothing ran"
    );
    end.error.set_hint("execute the call explicitly");
  } else {
    end.run_token = std::move(*reply.mutable_script()->mutable_run_token());
  }
  co_return end;
}

}  // namespace sluice::codemode_sandbox
