#include "services/policy-engine/domain/decision_record.h"

#include "services/policy-engine/domain/decide_batch.h"
#include "services/policy-engine/domain/effect_class.h"
#include "services/policy-engine/domain/evaluate.h"

#include "common/audit/client.h"
#include "common/crypto/sha256.h"
#include "common/grant/policy_names.h"

namespace sluice::policy_engine {

audit::v1::Record decision_record(
    const DecidedCall& call, const VerifiedCaller& caller, const RequestContext& context
) {
  const policy::v1::ToolCall& asked = call.request->calls(call.index);
  const policy::v1::Decision& decided = call.reply->decisions(call.index);
  audit::v1::Record record = audit::record_of(context, "policy.decision");
  record.set_tenant(caller.claims.tenant());
  record.set_principal(caller.claims.principal());
  record.set_agent(caller.claims.agent());
  record.set_key_id(caller.claims.key_id());
  record.set_hop(context.hop + static_cast<std::uint32_t>(call.index));
  record.set_server(asked.server());
  record.set_tool(asked.tool());
  record.set_definition_hash(asked.definition_hash());
  record.set_tool_call_id(asked.tool_call_id());
  record.set_policy_version(call.reply->policy_version());
  record.set_rule(decided.rule());
  record.set_decision(std::string(name_of(decided.verdict())));
  record.set_reason(decided.reason());
  record.set_grant_id(decided.grant().empty() ? "" : decided.grant_id());
  record.set_approval_id(decided.approval_id());
  record.set_effect_class(std::string(name_of(decided.effect_class())));
  record.set_decision_id(decision_key_of(*call.request, call.index).id);
  record.set_args_digest(crypto::sha256(asked.arguments()));
  if (!asked.call_path().empty()) {
    record.set_detail("call " + asked.call_path() + " of the script");
  } else if (asked.tool().empty()) {
    record.set_detail(asked.method());
  }
  if (decided.grant().empty()) {
    record.set_outcome(audit::v1::OUTCOME_REFUSED);
  }
  return record;
}

}  // namespace sluice::policy_engine
