// Changes of keys by API: what an admin, or the setup token, may make of the stored policy. Pure.
#pragma once

#include "services/policy-engine/domain/policy.h"
#include "services/policy-engine/ports.h"

#include "common/async/request_context.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::policy_engine {

// Who changes, and the policy that was in force then.
struct KeyAdmin {
  std::string principal;  // "setup": who holds the setup token
  std::string tenant;
  std::string key_id;
  RequestContext context;
  std::shared_ptr<const LoadedPolicy> policy;
  std::int64_t now_unix_ms = 0;
};

// Whether somebody can manage: a key that is not expired, or a scope of an issuer, with the role
// admin.
[[nodiscard]] bool has_admin(const Policy& policy, std::int64_t now_unix_ms);

// "sk-sl-" and 43 characters of base64url: 32 random bytes.
[[nodiscard]] std::string new_key_text();
// "sst-" and as many.
[[nodiscard]] std::string new_setup_token();
// "key-" and 16 hexadecimal digits.
[[nodiscard]] std::string new_key_id();

// The key has id and digest, and no origin yet. Errors: Conflict (the id is that of another key,
// too many keys or too much in their lists).
[[nodiscard]] KeyTransition creation_of(CallerKey key, KeyAdmin admin);
// The first admin key. Errors: Conflict (there is one who can manage) besides.
[[nodiscard]] KeyTransition setup_of(CallerKey key, KeyAdmin admin);
// What the key may do becomes what is given. Errors: NotFound, Conflict (a key of the settings
// file, the last admin key, too much in the lists of all keys).
[[nodiscard]] KeyTransition update_of(CallerKey key, KeyAdmin admin);
// Errors: NotFound, Conflict (a key of the settings file, the last admin key).
[[nodiscard]] KeyTransition revocation_of(std::string id, KeyAdmin admin);

}  // namespace sluice::policy_engine
