#include "services/audit-writer/testing/builders.h"

#include "common/audit/record.h"

namespace sluice::audit_writer {

audit::v1::Record test_record(const std::string& action, std::uint64_t sequence) {
  const bool owned_by_connector = action == "tool.intent" || action == "tool.outcome";
  audit::v1::Record record;
  record.set_action(action);
  record.set_tenant("default");
  record.set_principal("key:k1");
  record.set_chain_id("chain-1");
  record.set_hop(static_cast<std::uint32_t>(sequence));
  audit::complete(
      record,
      owned_by_connector ? audit::Producer{"mcp-connector", "mcp-connector-1", 7}
                         : audit::Producer{"ingress", "ingress-1", 7},
      sequence,
      {kTestUnixMs + static_cast<std::int64_t>(sequence), 1}
  );
  return record;
}

RequestContext TestCallers::context(
    const std::string& principal, const std::string& role, std::int64_t now_unix_ms
) const {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal(principal);
  if (!role.empty()) {
    claims.add_roles(role);
  }
  claims.set_not_before_unix_ms(now_unix_ms);
  claims.set_not_after_unix_ms(now_unix_ms + grant::kTokenLifeMs);
  RequestContext context;
  context.caller_token = grant::sign_token(signer_, claims);
  return context;
}

RequestContext TestCallers::context_of_run(
    const std::string& run, const std::string& token_run, std::int64_t now_unix_ms
) const {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:k1");
  claims.add_roles("admin");
  claims.set_run_id(token_run);
  claims.set_not_before_unix_ms(now_unix_ms - grant::kTokenLifeMs - 1);
  claims.set_not_after_unix_ms(now_unix_ms + 1);
  RequestContext context;
  context.caller_token = grant::sign_token(signer_, claims);
  context.run = RunId(run);
  return context;
}

}  // namespace sluice::audit_writer
