// PKCE (RFC 7636): only who began an authorization can redeem its code.
#pragma once

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <string>

namespace sluice::mcp_connector::oauth {

// 256 bits, as section 7.1 recommends.
inline constexpr std::size_t kVerifierBytes = 32;

[[nodiscard]] inline std::string new_verifier() {
  return to_base64url(crypto::random_bytes(kVerifierBytes));
}

// Method S256.
[[nodiscard]] inline std::string challenge_of(const std::string& verifier) {
  return to_base64url(crypto::sha256(verifier));
}

}  // namespace sluice::mcp_connector::oauth
