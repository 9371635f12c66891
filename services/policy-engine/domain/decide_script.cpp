#include "services/policy-engine/domain/decide_script.h"

#include "services/policy-engine/limits.h"

#include "common/audit/client.h"
#include "common/grant/grant.h"
#include "common/grant/policy_names.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kRunIdPrefix = "run_";

bool is_run_id(std::string_view id) {
  if (!id.starts_with(kRunIdPrefix)) {
    return false;
  }
  id.remove_prefix(kRunIdPrefix.size());
  return id.size() == kRunIdDigits && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<void> check_tool(const policy::v1::ToolCall& call, int index) {
  const bool is_tool = call.method().empty() && !call.server_id().empty() && !call.tool().empty();
  if (!is_tool || !call.arguments().empty() || !call.approval_id().empty() ||
      !policy::v1::Verdict_IsValid(call.at_least())) {
    return Error(
        Code::Invalid,
        "tool " + std::to_string(index) +
            " of the script is no tool alone: send server, tool and definition hash, and a verdict "
            "as at_least or none"
    );
  }
  return {};
}

Result<void> check_run(const policy::v1::ScriptRun& script, const RequestContext& context) {
  if (!is_run_id(script.run_id()) ||
      (!context.run.empty() && context.run.str() != script.run_id())) {
    return Error(
        Code::Invalid,
        "the run id is not that of the request, or none: send \"run_\" and 32 hexadecimal digits"
    );
  }
  if (script.source_digest().size() != kSourceDigestBytes) {
    return Error(Code::Invalid, "source_digest is no SHA-256: send 32 bytes");
  }
  if (script.life_ms() == 0 || script.life_ms() > grant::kRunTokenLifeMs) {
    return Error(
        Code::Invalid,
        "a run lives 1 to " + std::to_string(grant::kRunTokenLifeMs) + " ms: send that as life_ms"
    );
  }
  return {};
}

}  // namespace

Result<void> check_script(
    const policy::v1::DecideRequest& request,
    const RequestContext& context,
    std::int64_t now_unix_ms
) {
  const policy::v1::ScriptRun& script = request.script();
  if (request.calls_size() != 0) {
    return Error(Code::Invalid, "a script is decided alone: send its tools in script.calls");
  }
  if (!is_code_mode(request.mode())) {
    return Error(Code::Invalid, "a script runs in MODE_CODE or MODE_AGENT_CODE: send one of them");
  }
  SLUICE_CHECK_OK(check_decision_time(request, now_unix_ms));
  SLUICE_CHECK_OK(check_run(script, context));
  if (script.calls_size() > kScriptCallsMax) {
    return Error(
        Code::Invalid,
        "a script is decided with at most " + std::to_string(kScriptCallsMax) +
            " tools: send fewer, each once"
    );
  }
  for (int i = 0; i < script.calls_size(); ++i) {
    SLUICE_CHECK_OK(check_tool(script.calls(i), i));
  }
  return {};
}

policy::v1::DecideRequest with_calls_of_script(policy::v1::DecideRequest request) {
  request.mutable_calls()->Swap(request.mutable_script()->mutable_calls());
  return request;
}

policy::v1::DecideReply decide_script(const Batch& batch) {
  policy::v1::DecideReply reply;
  reply.set_policy_version(batch.caller->policy->version);
  for (const auto& call : batch.request->calls()) {
    const Ruling ruling = at_least(rule_on_tool(batch, call, nullptr), call);
    policy::v1::Decision* const decision = reply.mutable_script()->add_decisions();
    decision->set_verdict(ruling.verdict);
    decision->set_rule(ruling.rule);
    decision->set_reason(ruling.reason);
    decision->set_effect_class(ruling.effect);
  }
  return reply;
}

policy::v1::CallerClaims run_claims(
    const policy::v1::CallerClaims& caller,
    const policy::v1::ScriptRun& script,
    std::int64_t now_unix_ms
) {
  policy::v1::CallerClaims claims = caller;
  claims.set_run_id(script.run_id());
  claims.set_source_digest(script.source_digest());
  claims.set_not_before_unix_ms(now_unix_ms);
  claims.set_not_after_unix_ms(now_unix_ms + std::int64_t{script.life_ms()});
  // A token that is shorter than they are ends with the credential behind it.
  if (caller.not_after_unix_ms() - caller.not_before_unix_ms() < grant::kTokenLifeMs) {
    claims.set_not_after_unix_ms(std::min(claims.not_after_unix_ms(), caller.not_after_unix_ms()));
  }
  return claims;
}

audit::v1::Record script_record(const Batch& batch, const policy::v1::DecideReply& reply) {
  const policy::v1::CallerClaims& caller = batch.caller->claims;
  audit::v1::Record record = audit::record_of(*batch.context, "policy.script");
  record.set_tenant(caller.tenant());
  record.set_principal(caller.principal());
  record.set_agent(caller.agent());
  record.set_key_id(caller.key_id());
  record.set_run_id(batch.request->script().run_id());
  record.set_args_digest(batch.request->script().source_digest());
  record.set_policy_version(reply.policy_version());
  const auto& decisions = reply.script().decisions();
  const auto strictest =
      std::max_element(decisions.begin(), decisions.end(), [](const auto& a, const auto& b) {
        return a.verdict() < b.verdict();
      });
  record.set_decision(std::string(
      name_of(strictest == decisions.end() ? policy::v1::VERDICT_AUTO : strictest->verdict())
  ));
  if (strictest != decisions.end()) {
    record.set_rule(strictest->rule());
    record.set_reason(strictest->reason());
  }
  if (record.decision() == name_of(policy::v1::VERDICT_DENY)) {
    record.set_outcome(audit::v1::OUTCOME_REFUSED);
  }
  std::string detail = std::to_string(decisions.size()) + " tools";
  for (int i = 0; i < decisions.size(); ++i) {
    const policy::v1::ToolCall& call = batch.request->calls(i);
    std::string one = (i == 0 ? ": " : ", ") + call.server() + "-" + call.tool() + " ";
    one += name_of(decisions[i].verdict());
    if (detail.size() + one.size() > kScriptDetailBytesMax) {
      detail += ", …";
      break;
    }
    detail += one;
  }
  record.set_detail(std::move(detail));
  return record;
}

}  // namespace sluice::policy_engine
