// Signing and verifying of caller tokens and grants.
#include "common/grant/grant.h"

#include "common/crypto/sha256.h"
#include "common/grant/key_files.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <array>

namespace sluice::grant {
namespace {

constexpr std::size_t kGrantIdBytes = 16;
constexpr std::uint32_t kGrantVersion = 1;
// Source: ours. A token with the widest filter a configuration may hold stays well under this.
constexpr std::size_t kSignedBytesMax = std::size_t{64} << 10;

std::string signed_bytes(std::string_view domain, std::string_view payload) {
  std::string message;
  message.reserve(domain.size() + 1 + payload.size());
  message += domain;
  message.push_back('\0');
  message += payload;
  return message;
}

template <class Signed>
std::string sign(const crypto::PrivateKey& key, std::string_view domain, std::string payload) {
  Signed statement;
  statement.set_signature(key.sign(signed_bytes(domain, payload)));
  statement.set_payload(std::move(payload));
  statement.set_key_id(key.public_key().id());
  return statement.SerializeAsString();
}

// The payload of a statement signed for that domain by a key of the ring.
template <class Payload, class Signed>
std::optional<Payload> verified(
    const KeyRing& keys, std::string_view domain, std::string_view bytes
) {
  // The library prints a line for a string that is no UTF-8; a stranger must not fill the log that
  // way.
  const google::protobuf::LogSilencer silencer;
  Signed statement;
  if (bytes.size() > kSignedBytesMax ||
      !statement.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  // One form per statement: what the signature does not cover must not vary.
  statement.DiscardUnknownFields();
  std::string again;
  if (!statement.SerializeToString(&again) || again != bytes) {
    return std::nullopt;
  }
  const crypto::PublicKey* const key = keys.find(statement.key_id());
  if (key == nullptr ||
      !key->verify(signed_bytes(domain, statement.payload()), statement.signature())) {
    return std::nullopt;
  }
  Payload payload;
  if (!payload.ParseFromString(statement.payload())) {
    return std::nullopt;
  }
  return payload;
}

template <class Payload>
bool is_in_time(const Payload& payload, std::int64_t now_unix_ms, std::int64_t life_ms) {
  const std::int64_t begin = payload.not_before_unix_ms();
  const std::int64_t end = payload.not_after_unix_ms();
  return begin >= 0 && end > begin && end - begin <= life_ms + kClockSkewMs &&
         now_unix_ms >= begin - kClockSkewMs && now_unix_ms <= end;
}

// Of either kind.
Result<policy::v1::CallerClaims> verified_claims(
    const KeyRing& keys, std::string_view token, std::int64_t now_unix_ms
) {
  auto claims =
      verified<policy::v1::CallerClaims, policy::v1::SignedToken>(keys, kTokenDomain, token);
  if (!claims) {
    return Error(Code::Unauthenticated, "the caller token is not valid: authenticate again");
  }
  const std::int64_t life_ms = claims->run_id().empty() ? kTokenLifeMs : kRunTokenLifeMs;
  if (!is_in_time(*claims, now_unix_ms, life_ms)) {
    return Error(
        Code::Unauthenticated, "the caller token is not valid at this time: authenticate again"
    );
  }
  if (claims->tenant().empty() || claims->principal().empty()) {
    return Error(Code::Unauthenticated, "the caller token names nobody: authenticate again");
  }
  return std::move(*claims);
}

}  // namespace

Result<KeyRing> KeyRing::load(const std::string& folder) {
  auto files = read_key_files(folder);
  if (!files.ok() && files.error().code() == Code::Invalid) {
    return std::move(files).error();
  }
  if (!files.ok() || files.value().empty()) {
    return Error(Code::NotFound, "no public key (*.pem) in the key folder: run the init step")
        .with_detail(folder);
  }
  KeyRing ring;
  for (const KeyFile& file : files.value()) {
    SLUICE_TRY(const std::string pem, file.pem);
    auto key = crypto::PublicKey::from_pem(pem);
    if (!key.ok()) {
      return std::move(key).error().with_detail(file.path);
    }
    ring.add(std::move(key).value());
  }
  return ring;
}

void KeyRing::add(crypto::PublicKey key) {
  if (find(key.id()) == nullptr) {
    keys_.push_back(std::move(key));
  }
}

const crypto::PublicKey* KeyRing::find(std::string_view id) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [id](const crypto::PublicKey& key) {
    return key.id() == id;
  });
  return found == keys_.end() ? nullptr : &*found;
}

std::string sign_token(const crypto::PrivateKey& key, const policy::v1::CallerClaims& claims) {
  return sign<policy::v1::SignedToken>(key, kTokenDomain, claims.SerializeAsString());
}

Result<policy::v1::CallerClaims> verify_token(
    const KeyRing& keys, std::string_view token, std::int64_t now_unix_ms
) {
  return verify_run_or_caller_token(keys, token, now_unix_ms, "");
}

Result<policy::v1::CallerClaims> verify_run_or_caller_token(
    const KeyRing& keys, std::string_view token, std::int64_t now_unix_ms, std::string_view run
) {
  SLUICE_TRY(policy::v1::CallerClaims claims, verified_claims(keys, token, now_unix_ms));
  if (!claims.run_id().empty() && claims.run_id() != run) {
    return Error(
        Code::Unauthenticated, "a run token is good for its run only: authenticate as the caller"
    );
  }
  return claims;
}

std::string sign_grant(const crypto::PrivateKey& key, const policy::v1::Grant& grant) {
  return sign<policy::v1::SignedGrant>(key, kGrantDomain, grant.SerializeAsString());
}

Result<policy::v1::Grant> verify_grant(
    const KeyRing& keys, std::string_view signed_grant, std::int64_t now_unix_ms
) {
  auto grant =
      verified<policy::v1::Grant, policy::v1::SignedGrant>(keys, kGrantDomain, signed_grant);
  if (!grant) {
    return Error(Code::Denied, "the grant is not valid: ask for a decision again");
  }
  if (grant->version() != kGrantVersion || grant->grant_id().size() != kGrantIdBytes) {
    return Error(Code::Denied, "the grant is of another version: ask for a decision again");
  }
  if (!is_in_time(*grant, now_unix_ms, kGrantLifeMs)) {
    return Error(Code::Denied, "the grant is not valid at this time: ask for a decision again");
  }
  return std::move(*grant);
}

std::string grant_id(const GrantIdentity& identity) {
  const std::array<char, 4> index{
      static_cast<char>((identity.index >> 24) & 0xFF),
      static_cast<char>((identity.index >> 16) & 0xFF),
      static_cast<char>((identity.index >> 8) & 0xFF),
      static_cast<char>(identity.index & 0xFF),
  };
  std::string digest = crypto::Sha256()
                           .field(identity.tenant)
                           .field(identity.principal)
                           .field(identity.decision_id)
                           .field({index.data(), index.size()})
                           .field(identity.args_digest)
                           .field(identity.approval_id)
                           .finish();
  digest.resize(kGrantIdBytes);
  return digest;
}

}  // namespace sluice::grant
