// Sealing: bytes that only the holder of the key can read or change (AES-256-GCM, NIST SP 800-38D).
#pragma once

#include "common/base/result.h"
#include "common/base/secret.h"

#include <string>
#include <string_view>

namespace sluice::crypto {

// One key. Thread-safe; a value.
class SealingKey {
 public:
  // 32 bytes as 64 hexadecimal digits. Errors: Invalid.
  [[nodiscard]] static Result<SealingKey> from_hex(const Secret<std::string>& hex);

  // version (1 byte) ‖ nonce (12, random) ‖ ciphertext ‖ tag (16). context is bound in but not
  // contained: the same one opens it again, so that sealed bytes moved to another row do not open
  // there.
  [[nodiscard]] std::string seal(std::string_view plain, std::string_view context) const;
  // Errors: Invalid (other key, other context, changed or cut bytes).
  [[nodiscard]] Result<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  explicit SealingKey(Secret<std::string> key) : key_(std::move(key)) {}

  Secret<std::string> key_;
};

}  // namespace sluice::crypto
