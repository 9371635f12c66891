#include "services/policy-engine/adapters/signing_keys.h"

#include "services/policy-engine/limits.h"

#include "common/grant/keep_looking.h"

namespace sluice::policy_engine {
namespace {

Result<crypto::PrivateKey> read_key(const service::Runtime& runtime, const char* file) {
  SLUICE_TRY(const auto pem, runtime.secret(file));
  auto key = crypto::PrivateKey::from_pem(pem);
  if (!key.ok()) {
    return std::move(key).error().while_doing(std::string("reading ") + file);
  }
  return key;
}

// A token nobody accepts would lock every caller out.
Result<void> check_trusted(const grant::KeyRing& trusted, const crypto::PrivateKey& token) {
  if (trusted.find(token.public_key().id()) == nullptr) {
    return Error(
        Code::Invalid,
        "the public key of token-signing.pem is not in token-keys/: put it there first, in every "
        "service's secret directory (deploy/rotate-keys does it)"
    );
  }
  return {};
}

}  // namespace

Result<SigningKeys::Keys> SigningKeys::read_files(const service::Runtime& runtime) {
  SLUICE_TRY(auto token, read_key(runtime, "token-signing.pem"));
  SLUICE_TRY(auto grant, read_key(runtime, "grant-signing.pem"));
  return Keys{std::move(token), std::move(grant)};
}

Result<std::unique_ptr<SigningKeys>> SigningKeys::read(
    const service::Runtime& runtime, std::shared_ptr<const grant::KeyRing> trusted
) {
  SLUICE_TRY(Keys keys, read_files(runtime));
  SLUICE_CHECK_OK(check_trusted(*trusted, keys.token));
  return std::make_unique<SigningKeys>(runtime, std::move(trusted), std::move(keys));
}

Async<void> SigningKeys::look() {
  const auto call = [runtime = runtime_] { return read_files(runtime); };
  SLUICE_CO_TRY(Keys found, co_await runtime_.blocking()->run(call));
  const std::string token = found.token.public_key().id();
  const std::string grant = found.grant.public_key().id();
  if (token == keys_.token.public_key().id() && grant == keys_.grant.public_key().id()) {
    co_return Result<void>();
  }
  SLUICE_CO_CHECK_OK(check_trusted(*trusted_, found.token));
  keys_ = std::move(found);
  runtime_.log()->info("signing-keys-changed", {{"token_key", token}, {"grant_key", grant}});
  co_return Result<void>();
}

Async<void> SigningKeys::watch() {
  return grant::keep_looking(
      runtime_.clock(),
      runtime_.log(),
      "signing-keys-not-read",
      kSigningKeysLookInterval,
      [this] { return look(); }
  );
}

}  // namespace sluice::policy_engine
