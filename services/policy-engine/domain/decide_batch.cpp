#include "services/policy-engine/domain/decide_batch.h"

#include "services/policy-engine/limits.h"

#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/json/canonical.h"
#include "common/mcp/protocol.h"

namespace sluice::policy_engine {
namespace {

constexpr std::uint32_t kGrantVersion = 1;

std::string_view method_of(const policy::v1::ToolCall& call) {
  return call.method().empty() ? mcp::kToolsCall : std::string_view(call.method());
}

bool is_read(const policy::v1::ToolCall& call) {
  return mcp::is_read_method(method_of(call));
}

bool is_canonical_object(const std::string& arguments) {
  if (!arguments.starts_with('{')) {
    return false;
  }
  const auto canonical = json::canonical(std::string_view(arguments));
  return canonical.ok() && canonical.value() == arguments;
}

Ruling unknown_server() {
  return {
      policy::v1::VERDICT_DENY,
      policy::v1::EFFECT_CLASS_READ,
      "catalog.unknown_server",
      "there is no such server now: list what there is again",
  };
}

Caller caller_of(const Batch& batch) {
  static const policy::v1::ToolFilter kNotNarrowed;
  return {&batch.caller->claims, batch.caller->key, &kNotNarrowed, batch.request->mode()};
}

Ruling rule_on_read(const Batch& batch, const policy::v1::ToolCall& call) {
  const CatalogServer* const server = batch.catalog->find_server(call.server_id());
  if (server == nullptr || (!call.server().empty() && call.server() != server->name)) {
    return unknown_server();
  }
  CallArguments params(call.arguments());
  return evaluate_read(
      batch.caller->policy->policy, caller_of(batch), {server->name, server->added}, &params
  );
}

policy::v1::Grant grant_for(const Batch& batch, int index, const policy::v1::Decision& decision) {
  const policy::v1::DecideRequest& request = *batch.request;
  const policy::v1::ToolCall& call = request.calls(index);
  policy::v1::Grant grant;
  grant.set_version(kGrantVersion);
  grant.set_grant_id(decision.grant_id());
  grant.set_chain_id(batch.context->chain.str());
  grant.set_run_id(batch.context->run.str());
  grant.set_call_path(call.call_path());
  grant.set_tenant(batch.caller->claims.tenant());
  grant.set_principal(batch.caller->claims.principal());
  grant.set_server_id(call.server_id());
  grant.set_tool(call.tool());
  grant.set_definition_hash(call.definition_hash());
  grant.set_effect_class(decision.effect_class());
  grant.set_args_digest(crypto::sha256(call.arguments()));
  grant.set_idempotency_key(decision.grant_id());
  grant.set_policy_version(batch.caller->policy->version);
  grant.set_decision_id(decision_key_of(request, index).id);
  grant.set_not_before_unix_ms(request.decision_unix_ms());
  grant.set_not_after_unix_ms(request.decision_unix_ms() + grant::kGrantLifeMs);
  grant.set_method(std::string(method_of(call)));
  grant.set_rule(decision.rule());
  grant.set_approval_id(call.approval_id());
  grant.set_metered(!counters_of_call(batch, index, decision.effect_class()).empty());
  return grant;
}

Result<void> check_call(const policy::v1::ToolCall& call, int index) {
  const std::string name = "call " + std::to_string(index);
  if (!is_read(call) && method_of(call) != mcp::kToolsCall) {
    return Error(
        Code::Invalid,
        "the method of " + name +
            " is not served: send tools/call, resources/read, prompts/get or "
            "completion/complete"
    );
  }
  if (is_read(call) && !(call.tool().empty() && call.definition_hash().empty())) {
    return Error(
        Code::Invalid,
        name + " is no tools/call but names a tool: leave tool and definition_hash empty"
    );
  }
  if (!policy::v1::Verdict_IsValid(call.at_least())) {
    return Error(
        Code::Invalid, "at_least of " + name + " is no verdict: send one of policy.proto, or none"
    );
  }
  if (call.arguments().size() > kArgumentsBytesMax || !is_canonical_object(call.arguments())) {
    return Error(
        Code::Invalid,
        "the arguments of " + name + " are no canonical JSON object: send them as RFC 8785 says"
    );
  }
  return {};
}

}  // namespace

DecisionKey decision_key_of(const policy::v1::DecideRequest& request, int index) {
  const std::string& ids = request.decision_id();
  if (ids.size() == kDecisionIdBytes) {
    return {ids, static_cast<std::uint32_t>(index)};
  }
  return {ids.substr(static_cast<std::size_t>(index) * kDecisionIdBytes, kDecisionIdBytes), 0};
}

Result<void> check_request(const policy::v1::DecideRequest& request, std::int64_t now_unix_ms) {
  if (request.calls_size() == 0 || request.calls_size() > kCallsMax) {
    return Error(
        Code::Invalid,
        "a decision is about 1 to " + std::to_string(kCallsMax) + " calls: send that many"
    );
  }
  const std::size_t ids_size = request.decision_id().size();
  if (ids_size != kDecisionIdBytes &&
      ids_size != kDecisionIdBytes * static_cast<std::size_t>(request.calls_size())) {
    return Error(
        Code::Invalid,
        "decision_id has 16 bytes, or 16 for each call: send fresh random ones, or the same for a "
        "repeat"
    );
  }
  if (request.mode() == policy::v1::MODE_UNSPECIFIED || !policy::v1::Mode_IsValid(request.mode())) {
    return Error(
        Code::Invalid,
        "mode is not served: send MODE_MANUAL, MODE_AGENT, MODE_CODE or MODE_AGENT_CODE"
    );
  }
  SLUICE_CHECK_OK(check_decision_time(request, now_unix_ms));
  for (int i = 0; i < request.calls_size(); ++i) {
    SLUICE_CHECK_OK(check_call(request.calls(i), i));
  }
  return {};
}

Result<void> check_decision_time(
    const policy::v1::DecideRequest& request, std::int64_t now_unix_ms
) {
  if (now_unix_ms - request.decision_unix_ms() > kDecisionAgeMsMax) {
    return Error(Code::Invalid, "the decision is older than 60 s: make a new one");
  }
  if (request.decision_unix_ms() - now_unix_ms > kDecisionAheadMsMax) {
    return Error(Code::Invalid, "the decision's time is in the future: set the caller's clock");
  }
  return {};
}

Result<void> check_servers(const policy::v1::DecideRequest& request, const Catalog& catalog) {
  for (const auto& call : request.calls()) {
    const CatalogServer* const server = catalog.find_server(call.server_id());
    if (!is_read(call) && catalog.find(call.server_id(), call.tool()) == nullptr &&
        server != nullptr && server->awaited) {
      return Error(
                 Code::Unavailable,
                 "server \"" + call.server() + "\" is not connected yet: try again in a few seconds"
      )
          .with_retry_after(std::chrono::seconds(1));
    }
  }
  return {};
}

bool needs_newer_catalog(const policy::v1::DecideRequest& request, const Catalog& catalog) {
  for (const auto& call : request.calls()) {
    if (is_read(call)) {
      if (catalog.find_server(call.server_id()) == nullptr) {
        return true;
      }
      continue;
    }
    const CatalogTool* const tool = catalog.find(call.server_id(), call.tool());
    if (tool == nullptr || tool->definition_hash != call.definition_hash()) {
      return true;
    }
  }
  return false;
}

std::vector<LimitCounter> counters_of_call(
    const Batch& batch, int index, policy::v1::EffectClass effect
) {
  const Limits& limits = *batch.caller->policy->policy.limits;
  const policy::v1::ToolCall& call = batch.request->calls(index);
  const CatalogTool* const tool = limits.empty() || is_read(call)
                                      ? nullptr
                                      : batch.catalog->find(call.server_id(), call.tool());
  if (tool == nullptr) {
    return {};
  }
  CallArguments arguments(call.arguments());
  return counters_of(
      limits,
      {.server = tool->server,
       .tool = tool->tool,
       .effect = effect,
       .claims = &batch.caller->claims,
       .mode = batch.request->mode(),
       .arguments = &arguments}
  );
}

std::string grant_id_of(const Batch& batch, int index) {
  const policy::v1::ToolCall& call = batch.request->calls(index);
  const DecisionKey key = decision_key_of(*batch.request, index);
  return grant::grant_id({
      .tenant = batch.caller->claims.tenant(),
      .principal = batch.caller->claims.principal(),
      .decision_id = key.id,
      .index = key.index,
      .args_digest = crypto::sha256(call.arguments()),
      .approval_id = call.approval_id(),
  });
}

void add_grant(const Batch& batch, int index, policy::v1::Decision* decision) {
  decision->set_grant_id(grant_id_of(batch, index));
  decision->set_grant(grant::sign_grant(*batch.grant_key, grant_for(batch, index, *decision)));
}

Ruling rule_on_tool(
    const Batch& batch, const policy::v1::ToolCall& call, CallArguments* arguments
) {
  const CatalogTool* const tool = batch.catalog->find(call.server_id(), call.tool());
  if (tool == nullptr || (!call.server().empty() && call.server() != tool->server)) {
    return unknown_tool();
  }
  Ruling ruling = evaluate(batch.caller->policy->policy, caller_of(batch), *tool, arguments);
  if (ruling.verdict != policy::v1::VERDICT_DENY &&
      call.definition_hash() != tool->definition_hash) {
    ruling.verdict = policy::v1::VERDICT_DENY;
    ruling.rule = "catalog.definition_changed";
    ruling.reason = "the tool's definition has changed since it was listed: list the tools again";
  }
  return ruling;
}

Ruling at_least(Ruling ruling, const policy::v1::ToolCall& call) {
  if (call.at_least() <= ruling.verdict) {  // the proto's numbers ascend with strictness
    return ruling;
  }
  ruling.verdict = call.at_least();
  ruling.rule = "caller.at_least";
  ruling.reason = "whoever makes the call asks for this verdict at least";
  if (is_read(call) && ruling.verdict > policy::v1::VERDICT_MANUAL) {  // reads have no approvals
    ruling.verdict = policy::v1::VERDICT_DENY;
  }
  return ruling;
}

policy::v1::DecideReply decide_batch(const Batch& batch) {
  const policy::v1::DecideRequest& request = *batch.request;
  policy::v1::DecideReply reply;
  reply.set_policy_version(batch.caller->policy->version);
  for (int i = 0; i < request.calls_size(); ++i) {
    const policy::v1::ToolCall& call = request.calls(i);
    CallArguments arguments(call.arguments());
    const Ruling ruling = at_least(
        is_read(call) ? rule_on_read(batch, call) : rule_on_tool(batch, call, &arguments), call
    );
    policy::v1::Decision* const decision = reply.add_decisions();
    decision->set_verdict(ruling.verdict);
    decision->set_rule(ruling.rule);
    decision->set_reason(ruling.reason);
    decision->set_effect_class(ruling.effect);
    if (call.approval_id().empty() && may_run(request.mode(), ruling.verdict)) {
      add_grant(batch, i, decision);
    }
  }
  return reply;
}

}  // namespace sluice::policy_engine
