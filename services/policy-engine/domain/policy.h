// Policy: everything decisions depend on but the catalog and the call. An immutable snapshot of the
// settings, identified by its hash.
#pragma once

#include "services/policy-engine/domain/limit.h"
#include "services/policy-engine/domain/name_list.h"
#include "services/policy-engine/domain/rule_set.h"

#include "common/crypto/jws_key.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

enum class Preset { Manual, Safe, Open };

[[nodiscard]] std::string_view name_of(Preset preset);

// Which definition of a tool that was never seen is agreed to (policy.tool_pins).
enum class ToolPins : std::uint8_t {
  FirstUse,  // the first one seen
  Approve,   // none, until an admin agrees
  Off        // every one
};

[[nodiscard]] std::string_view name_of(ToolPins pins);

// What the operator says about one MCP server (mcp.client_configs).
struct ServerPolicy {
  NameList tools_to_execute;                      // layer 1; empty: none
  std::optional<NameList> tools_to_auto_execute;  // absent: the preset decides alone
  std::map<std::string, policy::v1::EffectClass, std::less<>> effect_classes;
  bool trust_annotations = false;
  bool is_code_mode_client = false;
  bool disabled = false;
  std::optional<NameList> tenants;  // absent: all
};

// Who added a key by API, and when.
struct KeyOrigin {
  std::string created_by;  // principal; "setup" for the first one
  std::int64_t created_unix_ms = 0;

  friend bool operator==(const KeyOrigin&, const KeyOrigin&) = default;
};

// One virtual key (auth.keys, or added by API), or what all callers of one issuer have in common.
// The key itself is nowhere.
struct CallerKey {
  std::string id;      // "jwt:<id>" of an issuer, which no key's is
  std::string digest;  // SHA-256 of the key's text, 32 bytes
  std::string tenant;
  std::vector<std::string> roles;
  std::string agent;
  std::optional<NameList> servers;   // absent: not narrowed
  std::optional<NameList> tools;     // "<server>-<tool>", "<server>-*" or "*"; absent: not narrowed
  std::optional<NameList> models;    // "<provider>/<model>", "<provider>/*" or "*"; absent: all
  std::int64_t expires_unix_ms = 0;  // 0: never
  std::optional<KeyOrigin> origin;   // absent: the settings file

  [[nodiscard]] std::string principal() const { return "key:" + id; }

  // Whether a token of this key names that principal: its own, or one of those of the issuer.
  [[nodiscard]] bool may_name(std::string_view principal) const;

  [[nodiscard]] bool has_role(std::string_view role) const;

  [[nodiscard]] bool is_expired(std::int64_t now_unix_ms) const {
    return expires_unix_ms != 0 && expires_unix_ms <= now_unix_ms;
  }

  [[nodiscard]] policy::v1::ToolFilter filter() const;
  // Of a caller with this key, without policy version and times.
  [[nodiscard]] policy::v1::CallerClaims claims() const;
};

// An authorization server whose access tokens are taken (auth.jwt).
struct JwtIssuer {
  std::string issuer;
  std::string jwks_url;  // "": as its metadata say
  std::string audience;
  std::vector<crypto::JwsAlgorithm> algorithms;
  std::string principal_claim;
  std::map<std::string, std::vector<std::string>, std::less<>> scopes;  // to the roles they give
  std::vector<std::string> allowed_private_networks;
  CallerKey caller;  // without digest and roles
};

// What approvals need (policy.approval_ttl_s and following).
struct ApprovalRules {
  std::int64_t ttl_ms = 3'600'000;  // from asking until use
  bool approver_may_be_requester = false;
  bool twice_by_one_person = false;  // one person may give both approvals
};

// What a caller may be: caller, approver (answers approvals), admin.
[[nodiscard]] bool is_role(std::string_view name);

struct Policy {
  Preset preset = Preset::Manual;
  ToolPins tool_pins = ToolPins::FirstUse;
  std::map<std::string, ServerPolicy, std::less<>> servers;  // by name
  std::vector<CallerKey> keys;
  std::vector<JwtIssuer> jwt_issuers;
  std::shared_ptr<const RuleSet> rules = std::make_shared<const RuleSet>();  // never null
  std::shared_ptr<const Limits> limits = std::make_shared<const Limits>();   // never null
  ApprovalRules approvals;
  // Of what admins added by API (StoredPolicy), and whose keys are among the keys.
  std::uint64_t stored_revision = 0;

  // SHA-256 of the canonical JSON of all of it: equal policies have equal hashes, in whatever order
  // they were written.
  [[nodiscard]] std::string hash() const;
  // Presets, servers, rules and limits as canonical JSON, for an admin to read; nothing about
  // callers.
  [[nodiscard]] std::string listing() const;
  // A virtual key, or what the callers of an issuer have in common.
  [[nodiscard]] const CallerKey* key_named(std::string_view id) const;
  [[nodiscard]] const JwtIssuer* jwt_issuer_named(std::string_view issuer) const;
  // The key with that text, found in time that depends on the number of keys only.
  [[nodiscard]] const CallerKey* key_of(std::string_view credential) const;
};

// A policy with the version it is bound to.
struct LoadedPolicy {
  Policy policy;
  std::string hash;
  std::uint64_t version = 0;
};

}  // namespace sluice::policy_engine
