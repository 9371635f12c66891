#include "services/policy-engine/domain/policy.h"

#include "services/policy-engine/domain/effect_class.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/grant/policy_names.h"
#include "common/json/canonical.h"

#include <algorithm>

namespace sluice::policy_engine {
namespace {

// Raised when what the hash covers changes, so that a new release never takes an old version for
// its own.
constexpr int kHashedForm = 5;

json::Value names_of(const NameList& list) {
  json::Array names;
  for (const std::string& name : list.names()) {
    names.emplace_back(name);
  }
  return names;
}

json::Value names_of(const std::optional<NameList>& list) {
  return list ? names_of(*list) : json::Value();
}

json::Value form_of(const ServerPolicy& server) {
  json::Object effects;
  for (const auto& [tool, effect] : server.effect_classes) {
    effects.set(tool, name_of(effect));
  }
  return json::object({
      {"tools_to_execute", names_of(server.tools_to_execute)},
      {"tools_to_auto_execute", names_of(server.tools_to_auto_execute)},
      {"effect_classes", std::move(effects)},
      {"trust_annotations", server.trust_annotations},
      {"is_code_mode_client", server.is_code_mode_client},
      {"disabled", server.disabled},
      {"tenants", names_of(server.tenants)},
  });
}

json::Value form_of(const CallerKey& key) {
  return json::object({
      {"sha256", to_hex(key.digest)},
      {"tenant", key.tenant},
      {"roles", names_of(NameList(key.roles))},
      {"agent", key.agent},
      {"servers", names_of(key.servers)},
      {"tools", names_of(key.tools)},
      {"models", names_of(key.models)},
      {"expires_unix_ms", key.expires_unix_ms},
      {"by_api", key.origin.has_value()},
  });
}

json::Value form_of(const JwtIssuer& issuer) {
  json::Array algorithms;
  for (const crypto::JwsAlgorithm algorithm : issuer.algorithms) {
    algorithms.emplace_back(name_of(algorithm));
  }
  json::Object scopes;
  for (const auto& [scope, roles] : issuer.scopes) {
    scopes.set(scope, names_of(NameList(roles)));
  }
  return json::object({
      {"issuer", issuer.issuer},
      {"jwks_url", issuer.jwks_url},
      {"audience", issuer.audience},
      {"algorithms", std::move(algorithms)},
      {"principal_claim", issuer.principal_claim},
      {"scopes", std::move(scopes)},
      {"tenant", issuer.caller.tenant},
  });
}

json::Value form_of(const std::map<std::string, ServerPolicy, std::less<>>& servers) {
  json::Object forms;
  for (const auto& [name, server] : servers) {
    forms.set(name, form_of(server));
  }
  return forms;
}

// In their order, which says which of two equally strict rules is named.
json::Value form_of(const RuleSet& rules) {
  json::Array forms;
  for (const Rule& rule : rules.rules()) {
    forms.push_back(form_of(rule));
  }
  return forms;
}

json::Value form_of(const Limits& limits) {
  json::Array forms;
  for (const Limit& limit : limits) {
    forms.push_back(form_of(limit));
  }
  return forms;
}

void fill(
    google::protobuf::RepeatedPtrField<std::string>* out, const std::optional<NameList>& list
) {
  if (!list) {
    *out->Add() = "*";
    return;
  }
  for (const std::string& name : list->names()) {
    *out->Add() = name;
  }
}

}  // namespace

std::string_view name_of(Preset preset) {
  switch (preset) {
    case Preset::Manual:
      return "manual";
    case Preset::Safe:
      return "safe";
    case Preset::Open:
      return "open";
  }
  return "";
}

std::string_view name_of(ToolPins pins) {
  switch (pins) {
    case ToolPins::FirstUse:
      return "first_use";
    case ToolPins::Approve:
      return "approve";
    case ToolPins::Off:
      return "off";
  }
  return "";
}

bool is_role(std::string_view name) {
  return name == "caller" || name == "approver" || name == "admin";
}

bool CallerKey::may_name(std::string_view name) const {
  return id.starts_with("jwt:") ? name.starts_with(id + ":") : name == principal();
}

bool CallerKey::has_role(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

policy::v1::ToolFilter CallerKey::filter() const {
  policy::v1::ToolFilter filter;
  if (servers || tools) {
    filter.set_restricted(true);
    fill(filter.mutable_servers(), servers);
    fill(filter.mutable_tools(), tools);
  }
  return filter;
}

policy::v1::CallerClaims CallerKey::claims() const {
  policy::v1::CallerClaims claims;
  claims.set_tenant(tenant);
  claims.set_principal(principal());
  claims.mutable_roles()->Assign(roles.begin(), roles.end());
  claims.set_key_id(id);
  claims.set_agent(agent);
  *claims.mutable_filter() = filter();
  if (models) {
    claims.set_models_restricted(true);
    claims.mutable_models()->Assign(models->names().begin(), models->names().end());
  }
  return claims;
}

std::string Policy::hash() const {
  json::Object key_forms;
  for (const CallerKey& key : keys) {
    key_forms.set(key.id, form_of(key));
  }
  json::Object issuer_forms;
  for (const JwtIssuer& issuer : jwt_issuers) {
    issuer_forms.set(issuer.caller.id, form_of(issuer));
  }
  return crypto::sha256(json::canonical(json::object({
      {"form", kHashedForm},
      {"preset", name_of(preset)},
      {"tool_pins", name_of(tool_pins)},
      {"servers", form_of(servers)},
      {"rules", form_of(*rules)},
      {"limits", form_of(*limits)},
      {"keys", std::move(key_forms)},
      {"stored_revision", static_cast<std::int64_t>(stored_revision)},
      {"jwt_issuers", std::move(issuer_forms)},
      {"approvals",
       json::object({
           {"ttl_ms", approvals.ttl_ms},
           {"approver_may_be_requester", approvals.approver_may_be_requester},
           {"twice_by_one_person", approvals.twice_by_one_person},
       })},
  })));
}

std::string Policy::listing() const {
  return json::canonical(json::object({
      {"preset", name_of(preset)},
      {"tool_pins", name_of(tool_pins)},
      {"servers", form_of(servers)},
      {"rules", form_of(*rules)},
      {"limits", form_of(*limits)},
  }));
}

const CallerKey* Policy::key_named(std::string_view id) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [id](const CallerKey& key) { return key.id == id; });
  if (found != keys.end()) {
    return &*found;
  }
  const auto issuer =
      std::find_if(jwt_issuers.begin(), jwt_issuers.end(), [id](const JwtIssuer& one) {
        return one.caller.id == id;
      });
  return issuer == jwt_issuers.end() ? nullptr : &issuer->caller;
}

const JwtIssuer* Policy::jwt_issuer_named(std::string_view issuer) const {
  const auto found =
      std::find_if(jwt_issuers.begin(), jwt_issuers.end(), [issuer](const JwtIssuer& one) {
        return one.issuer == issuer;
      });
  return found == jwt_issuers.end() ? nullptr : &*found;
}

const CallerKey* Policy::key_of(std::string_view credential) const {
  const std::string digest = crypto::sha256(credential);
  const CallerKey* match = nullptr;
  for (const CallerKey& key : keys) {
    if (equal_constant_time(key.digest, digest)) {
      match = &key;
    }
  }
  return match;
}

}  // namespace sluice::policy_engine
