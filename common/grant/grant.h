// Caller tokens and grants: signed by policy-engine, verified by whoever acts on them. Signatures
// are Ed25519 over domain ‖ 0x00 ‖ payload, so that one kind is never taken for the other; keys of
// the two kinds are different too.
#pragma once

#include "common/base/result.h"
#include "common/crypto/ed25519.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::grant {

inline constexpr std::string_view kTokenDomain = "sluice-caller-token-v1";
inline constexpr std::string_view kGrantDomain = "sluice-grant-v1";
inline constexpr std::int64_t kTokenLifeMs = 60'000;
// Of a run token. Source: policy.proto, ScriptRun.life_ms.
inline constexpr std::int64_t kRunTokenLifeMs = 600'000;
inline constexpr std::int64_t kGrantLifeMs = 30'000;
inline constexpr std::int64_t kClockSkewMs = 2'000;

// Public keys by id; several at once, so that keys can be rotated.
class KeyRing {
 public:
  // Every *.pem of the folder. Errors: Invalid (unreadable key), NotFound (no key at all).
  [[nodiscard]] static Result<KeyRing> load(const std::string& folder);
  void add(crypto::PublicKey key);
  [[nodiscard]] const crypto::PublicKey* find(std::string_view id) const;

 private:
  std::vector<crypto::PublicKey> keys_;
};

// Serialized SignedToken.
[[nodiscard]] std::string sign_token(
    const crypto::PrivateKey& key, const policy::v1::CallerClaims& claims
);
// Errors: Unauthenticated (malformed, unknown key, bad signature, not yet or no longer valid; a run
// token).
[[nodiscard]] Result<policy::v1::CallerClaims> verify_token(
    const KeyRing& keys, std::string_view token, std::int64_t now_unix_ms
);
// The same where the calls of scripts arrive: a run token is taken too, for the run it was signed
// for; run is that of the request. Errors: Unauthenticated, also for a run token of another run.
[[nodiscard]] Result<policy::v1::CallerClaims> verify_run_or_caller_token(
    const KeyRing& keys, std::string_view token, std::int64_t now_unix_ms, std::string_view run
);

// Serialized SignedGrant.
[[nodiscard]] std::string sign_grant(const crypto::PrivateKey& key, const policy::v1::Grant& grant);
// Signature, version and times only; the caller compares the fields with the request. Errors:
// Denied.
[[nodiscard]] Result<policy::v1::Grant> verify_grant(
    const KeyRing& keys, std::string_view signed_grant, std::int64_t now_unix_ms
);

// SHA-256(tenant, principal, decision id, index, args digest, approval id)[:16], fields with their
// lengths.
struct GrantIdentity {
  std::string_view tenant;
  std::string_view principal;
  std::string_view decision_id;
  std::uint32_t index = 0;
  std::string_view args_digest;
  std::string_view approval_id;
};

[[nodiscard]] std::string grant_id(const GrantIdentity& identity);

}  // namespace sluice::grant
