#include "services/policy-engine/handlers/manage_keys.h"

#include "services/policy-engine/domain/key_change.h"
#include "services/policy-engine/domain/virtual_key.h"
#include "services/policy-engine/limits.h"

#include "common/crypto/sha256.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::policy_engine {
namespace {

KeyAdmin admin_of(const VerifiedCaller& caller, RequestContext context, std::int64_t now_unix_ms) {
  return {
      .principal = caller.claims.principal(),
      .tenant = caller.claims.tenant(),
      .key_id = caller.claims.key_id(),
      .context = std::move(context),
      .policy = caller.policy,
      .now_unix_ms = now_unix_ms,
  };
}

}  // namespace

Async<policy::v1::ManageReply> ManageKeys::list() {
  SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  SLUICE_CO_TRY(const std::vector<CallerKey> revoked, co_await deps_.store->revoked());
  policy::v1::ManageReply reply;
  reply.set_policy_version(loaded->version);
  reply.set_snapshot_hash(loaded->hash);
  for (const CallerKey& key : loaded->policy.keys) {
    *reply.add_keys() = shown(key);
  }
  for (const CallerKey& key : revoked) {
    *reply.add_keys() = shown(key);
    reply.mutable_keys(reply.keys_size() - 1)->set_revoked(true);
  }
  std::sort(
      reply.mutable_keys()->begin(),
      reply.mutable_keys()->end(),
      [](const policy::v1::VirtualKey& a, const policy::v1::VirtualKey& b) {
        return a.id() < b.id();
      }
  );
  if (reply.ByteSizeLong() > kKeysReplyBytesMax) {
    co_return Error(
        Code::Exhausted,
        "the lists of all keys are more than one answer carries: name whole servers in auth.keys "
        "of the settings file"
    );
  }
  co_return reply;
}

Async<policy::v1::ManageReply> ManageKeys::create(
    policy::v1::VirtualKey key, VerifiedCaller caller, RequestContext context
) {
  const std::int64_t now = deps_.clock->unix_ms();
  SLUICE_CO_TRY(CallerKey made, checked_key(key, now));
  std::string text = new_key_text();
  made.digest = crypto::sha256(text);
  if (made.id.empty()) {
    made.id = new_key_id();
  }
  KeyTransition transition =
      creation_of(std::move(made), admin_of(caller, std::move(context), now));
  SLUICE_CO_TRY(policy::v1::ManageReply reply, co_await change(std::move(transition)));
  reply.set_key_text(std::move(text));
  co_return reply;
}

Async<policy::v1::ManageReply> ManageKeys::update(
    policy::v1::VirtualKey key, VerifiedCaller caller, RequestContext context
) {
  const std::int64_t now = deps_.clock->unix_ms();
  SLUICE_CO_TRY(CallerKey wanted, checked_key(key, now));
  co_return co_await change(update_of(std::move(wanted), admin_of(caller, std::move(context), now))
  );
}

Async<policy::v1::ManageReply> ManageKeys::revoke(
    std::string id, VerifiedCaller caller, RequestContext context
) {
  KeyTransition transition =
      revocation_of(std::move(id), admin_of(caller, std::move(context), deps_.clock->unix_ms()));
  SLUICE_CO_TRY(policy::v1::ManageReply reply, co_await change(std::move(transition)));
  reply.mutable_keys(0)->set_revoked(true);
  co_return reply;
}

Async<policy::v1::ManageReply> ManageKeys::change(KeyTransition transition) {
  SLUICE_CO_TRY(const ChangedKey changed, co_await deps_.store->change(std::move(transition)));
  SLUICE_CO_CHECK_OK(co_await deps_.reload->take_over_stored(changed.revision));
  SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  deps_.log->info("key-changed", {{"key", changed.key.id}, {"version", loaded->version}});
  policy::v1::ManageReply reply;
  reply.set_policy_version(loaded->version);
  reply.set_snapshot_hash(loaded->hash);
  *reply.add_keys() = shown(changed.key);
  co_return reply;
}

}  // namespace sluice::policy_engine
