#include "services/policy-engine/domain/key_change.h"

#include "services/policy-engine/domain/virtual_key.h"
#include "services/policy-engine/limits.h"

#include "common/audit/client.h"
#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdRandomBytes = 8;

bool is_admin(const CallerKey& key, std::int64_t now_unix_ms) {
  return key.has_role("admin") && !key.is_expired(now_unix_ms);
}

json::Value names_of(const std::optional<NameList>& list) {
  if (!list) {
    return json::Value();
  }
  json::Array names;
  for (const std::string& name : list->names()) {
    names.emplace_back(name);
  }
  return names;
}

// What the key may do, for who reads the trail.
std::string described(const CallerKey& key) {
  json::Array roles;
  for (const std::string& role : key.roles) {
    roles.emplace_back(role);
  }
  return json::write(json::object({
      {"id", key.id},
      {"tenant", key.tenant},
      {"roles", std::move(roles)},
      {"agent", key.agent},
      {"servers", names_of(key.servers)},
      {"tools", names_of(key.tools)},
      {"models", names_of(key.models)},
      {"expires_unix_ms", key.expires_unix_ms},
  }));
}

ChangeRecords record_of_change(
    std::string_view action, const CallerKey& key, const KeyAdmin& admin
) {
  audit::v1::Record record = audit::record_of(admin.context, action);
  record.set_event_id(crypto::uuid_v7(admin.now_unix_ms));
  record.set_tenant(admin.tenant);
  record.set_principal(admin.principal);
  record.set_key_id(admin.key_id);
  record.set_policy_version(admin.policy->version);
  record.set_detail("key " + key.id);
  record.set_body(described(key));
  record.set_outcome(audit::v1::OUTCOME_DONE);
  return {std::move(record)};
}

const CallerKey* file_key(const Policy& policy, std::string_view id) {
  const CallerKey* const key = policy.key_named(id);
  return key != nullptr && !key->origin ? key : nullptr;
}

const CallerKey* find(const StoredPolicy& stored, std::string_view id) {
  const auto found = std::find_if(stored.keys.begin(), stored.keys.end(), [id](const auto& key) {
    return key.id == id;
  });
  return found == stored.keys.end() ? nullptr : &*found;
}

// The key to change. Errors: NotFound, Conflict (of the file).
Result<CallerKey> changeable(
    const StoredPolicy& before, const std::string& id, const KeyAdmin& admin
) {
  if (const CallerKey* const key = find(before, id); key != nullptr) {
    return *key;
  }
  if (file_key(admin.policy->policy, id) != nullptr) {
    return Error(
        Code::Conflict,
        "the key \"" + id + "\" stands in auth.keys of the settings file: change it there"
    );
  }
  return Error(Code::NotFound, "no key has the id \"" + id + "\": list the keys again");
}

Result<void> check_size(const StoredPolicy& after) {
  std::size_t bytes = 0;
  for (const CallerKey& key : after.keys) {
    bytes += shown(key).ByteSizeLong();
  }
  if (bytes > kStoredKeysBytesMax) {
    return Error(
        Code::Conflict,
        "the lists of all keys together fill more than " + std::to_string(kStoredKeysBytesMax) +
            " bytes: name whole servers, or revoke keys that are not used any more"
    );
  }
  return {};
}

Result<void> check_admin(const StoredPolicy& after, const KeyAdmin& admin) {
  if (!has_admin(with_stored(admin.policy->policy, after), admin.now_unix_ms)) {
    return Error(
        Code::Conflict,
        "nobody could manage the gateway any more: this is the last valid key with the role "
        "admin; make another one first"
    );
  }
  return {};
}

Result<KeyChange> create(const StoredPolicy& before, CallerKey key, const KeyAdmin& admin) {
  const Policy& policy = admin.policy->policy;
  if (file_key(policy, key.id) != nullptr || find(before, key.id) != nullptr ||
      policy.key_named(key.id) != nullptr) {
    return Error(
        Code::Conflict, "the id \"" + key.id + "\" is that of another key: give another id"
    );
  }
  const auto of_file = std::count_if(policy.keys.begin(), policy.keys.end(), [](const auto& one) {
    return !one.origin;
  });
  if (before.keys.size() + static_cast<std::size_t>(of_file) >= kKeysMax) {
    return Error(
        Code::Conflict,
        "there are " + std::to_string(kKeysMax) +
            " keys already: revoke those that are not used any more"
    );
  }
  key.origin = KeyOrigin{admin.principal, admin.now_unix_ms};
  StoredPolicy after = before;
  after.keys.push_back(key);
  SLUICE_CHECK_OK(check_size(after));
  ChangeRecords records = record_of_change("key.created", key, admin);
  return KeyChange{KeyChange::Kind::Create, std::move(key), std::move(records)};
}

std::string secret(std::string_view prefix) {
  return std::string(prefix) + to_base64url(crypto::random_bytes(kSecretBytes));
}

}  // namespace

bool has_admin(const Policy& policy, std::int64_t now_unix_ms) {
  const bool by_key =
      std::any_of(policy.keys.begin(), policy.keys.end(), [now_unix_ms](const CallerKey& key) {
        return is_admin(key, now_unix_ms);
      });
  return by_key ||
         std::any_of(
             policy.jwt_issuers.begin(),
             policy.jwt_issuers.end(),
             [](const JwtIssuer& issuer) {
               return std::any_of(
                   issuer.scopes.begin(),
                   issuer.scopes.end(),
                   [](const auto& scope) {
                     return std::find(scope.second.begin(), scope.second.end(), "admin") !=
                            scope.second.end();
                   }
               );
             }
         );
}

std::string new_key_text() {
  return secret("sk-sl-");
}

std::string new_setup_token() {
  return secret("sst-");
}

std::string new_key_id() {
  return "key-" + to_hex(crypto::random_bytes(kIdRandomBytes));
}

KeyTransition creation_of(CallerKey key, KeyAdmin admin) {
  return [key = std::move(key), admin = std::move(admin)](const StoredPolicy& before) {
    return create(before, key, admin);
  };
}

KeyTransition setup_of(CallerKey key, KeyAdmin admin) {
  return [key = std::move(key),
          admin = std::move(admin)](const StoredPolicy& before) -> Result<KeyChange> {
    if (has_admin(with_stored(admin.policy->policy, before), admin.now_unix_ms)) {
      return Error(
          Code::Conflict,
          "somebody can manage this gateway already: use a key or token with the role admin"
      );
    }
    return create(before, key, admin);
  };
}

KeyTransition update_of(CallerKey key, KeyAdmin admin) {
  return [key = std::move(key),
          admin = std::move(admin)](const StoredPolicy& before) -> Result<KeyChange> {
    SLUICE_TRY(const CallerKey earlier, changeable(before, key.id, admin));
    CallerKey later = key;
    later.digest = earlier.digest;
    later.origin = earlier.origin;
    StoredPolicy after = before;
    std::replace_if(
        after.keys.begin(),
        after.keys.end(),
        [&later](const CallerKey& one) { return one.id == later.id; },
        later
    );
    SLUICE_CHECK_OK(check_size(after));
    SLUICE_CHECK_OK(check_admin(after, admin));
    ChangeRecords records = record_of_change("key.updated", later, admin);
    return KeyChange{KeyChange::Kind::Update, std::move(later), std::move(records)};
  };
}

KeyTransition revocation_of(std::string id, KeyAdmin admin) {
  return [id = std::move(id),
          admin = std::move(admin)](const StoredPolicy& before) -> Result<KeyChange> {
    SLUICE_TRY(CallerKey key, changeable(before, id, admin));
    StoredPolicy after = before;
    std::erase_if(after.keys, [&id](const CallerKey& one) { return one.id == id; });
    SLUICE_CHECK_OK(check_admin(after, admin));
    ChangeRecords records = record_of_change("key.revoked", key, admin);
    return KeyChange{KeyChange::Kind::Revoke, std::move(key), std::move(records)};
  };
}

}  // namespace sluice::policy_engine
