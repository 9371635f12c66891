// JwsKey: somebody else's public key that verifies JSON Web Signatures (RFC 7515, 7518, 8037). Only
// algorithms with a public key exist here: no HMAC, no "none".
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace sluice::crypto {

enum class JwsAlgorithm : std::uint8_t { Rs256, Es256, EdDsa };

// "RS256", "ES256", "EdDSA"; nullopt for every other name.
[[nodiscard]] std::optional<JwsAlgorithm> jws_algorithm_named(std::string_view name);
[[nodiscard]] std::string_view name_of(JwsAlgorithm algorithm);

// A key serves one algorithm, whatever a signature's header says.
class JwsKey {
 public:
  // Members "n" and "e" of a JWK as bytes, for RS256. Errors: Invalid (shorter than 2,048 bits,
  // longer than 8,192, or an exponent that is even or has more than 32 bits).
  [[nodiscard]] static Result<JwsKey> rsa(std::string_view modulus, std::string_view exponent);
  // "x" and "y" on P-256, for ES256. Errors: Invalid (no point of the curve).
  [[nodiscard]] static Result<JwsKey> p256(std::string_view x, std::string_view y);
  // "x" on Ed25519, for EdDSA. Errors: Invalid.
  [[nodiscard]] static Result<JwsKey> ed25519(std::string_view x);

  [[nodiscard]] JwsAlgorithm algorithm() const { return algorithm_; }

  // False for every signature that is not exactly of this form and key.
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

 private:
  JwsKey(JwsAlgorithm algorithm, std::shared_ptr<void> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  JwsAlgorithm algorithm_;
  std::shared_ptr<void> key_;
};

}  // namespace sluice::crypto
