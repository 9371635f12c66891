#include "services/mcp-connector/connections/granted_call.h"

#include "common/crypto/sha256.h"

#include <utility>

namespace sluice::mcp_connector {

void GrantedCall::wake() {
  if (ticket != nullptr) {
    ticket->wake();
  }
  wakeup.raise();
}

void GrantedCall::give_up() {
  given_up = true;
  if (ticket != nullptr) {
    ticket->give_up();
  }
}

void GrantedCall::end_round(Result<connector::v1::Final> final) {
  round->progress.close();
  round->done.set(std::move(final));
}

Async<connector::v1::Final> relay(
    std::shared_ptr<GrantedCall::Round> round, bus::ChunkWriter<connector::v1::Progress>* out
) {
  while (true) {
    SLUICE_CO_TRY(auto notification, co_await round->progress.pop());
    if (!notification) {
      break;
    }
    connector::v1::Progress chunk;
    chunk.set_notification(std::move(*notification));
    SLUICE_CO_CHECK_OK(co_await out->write(std::move(chunk)));
  }
  co_return co_await round->done.wait();
}

audit::v1::Record record_for(const GrantedCall& call, std::string action) {
  audit::v1::Record record = audit::record_of(call.context, std::move(action));
  if (call.caller_verified) {
    record.set_tenant(call.claims.tenant());
    record.set_principal(call.claims.principal());
    record.set_agent(call.claims.agent());
    record.set_key_id(call.claims.key_id());
  }
  record.set_tool_call_id(call.request.tool_call_id());
  record.set_args_digest(crypto::sha256(call.request.params()));
  record.set_server(call.server == nullptr ? call.request.server_id() : call.server->config().name);
  if (!call.grant_verified) {
    return record;
  }
  const policy::v1::Grant& grant = call.grant;
  if (!grant.chain_id().empty()) {
    record.set_chain_id(grant.chain_id());
  }
  record.set_run_id(grant.run_id());
  record.set_tool(grant.tool().empty() ? grant.method() : grant.tool());
  record.set_definition_hash(grant.definition_hash());
  record.set_policy_version(grant.policy_version());
  record.set_rule(grant.rule());
  record.set_grant_id(grant.grant_id());
  record.set_approval_id(grant.approval_id());
  record.set_decision_id(grant.decision_id());
  record.set_effect_class(std::string(name_of(grant.effect_class())));
  return record;
}

}  // namespace sluice::mcp_connector
