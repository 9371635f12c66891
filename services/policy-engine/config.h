// Settings of policy-engine: the sections bus, redis, postgres, auth, policy and audit, and of mcp
// what decisions depend on.
#pragma once

#include "services/policy-engine/domain/policy.h"
#include "services/policy-engine/ports.h"

#include "common/audit/client.h"
#include "common/bus/transport.h"
#include "common/config/config.h"
#include "common/postgres/pool.h"
#include "common/redis/client.h"

namespace sluice::policy_engine {

struct Config {
  bus::NatsOptions bus;
  audit::Options audit;
  postgres::Options postgres;  // without the password, which is a secret of its own
  redis::Options redis;        // likewise
  Policy policy;
  WebhookPtr webhook;
  config::Source source;  // of all of it, for a reload

  // Never fails: faults are noted in the document.
  [[nodiscard]] static Config load(config::Document& document);
};

// The file as it is now, all of it checked; what is no policy of it waits for a restart.
// Errors: Invalid (every fault, one a line, up to kFaultsToldMax).
[[nodiscard]] Result<ReadSettings> read_settings(const config::Source& source);

// auth.jwt.
[[nodiscard]] std::vector<JwtIssuer> read_jwt_issuers(config::Section& auth);

// policy.rules, compiled.
[[nodiscard]] std::shared_ptr<const RuleSet> read_rules(config::Section& policy);

// What rules and limits are about: their match. Faults are noted in the section.
[[nodiscard]] RuleMatch read_match(config::Section match);
[[nodiscard]] bool is_rule_id(std::string_view text);

// policy.limits.
[[nodiscard]] std::shared_ptr<const Limits> read_limits(config::Section& policy);

// policy.approval_ttl_s and following.
[[nodiscard]] ApprovalRules read_approval_rules(config::Section& policy);

// policy.webhook; null without one.
[[nodiscard]] WebhookPtr read_webhook(config::Section& policy);

// Of http or https, without a fragment, at most kUrlBytesMax.
[[nodiscard]] bool is_url(std::string_view text);

// auth, mcp.client_configs and policy: everything that makes the policy.
[[nodiscard]] Policy read_policy(config::Document& document);

// The same of one server that was added by API: an object as of mcp.client_configs, read and
// checked like one of the file. Errors: Invalid (all faults).
[[nodiscard]] Result<ServerPolicy> read_added_policy(
    const std::string& server, const std::string& policy_config
);

}  // namespace sluice::policy_engine
