// JwtMaker: an authorization server's hand: access tokens signed with Ed25519, and the JWK Set that
// verifies them.
#pragma once

#include "common/base/bytes.h"
#include "common/crypto/ed25519.h"

#include <string>
#include <utility>

namespace sluice::policy_engine {

inline constexpr const char* kTestIssuer = "https://login.example";
inline constexpr const char* kTestAudience = "https://gateway.example/mcp";

class JwtMaker {
 public:
  explicit JwtMaker(std::string key_id = "k1") : key_id_(std::move(key_id)) {}

  [[nodiscard]] std::string jwk() const {
    return R"({"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":")" + key_id_ +
           R"(","x":")" + to_base64url(key_.public_key().raw()) + "\"}";
  }

  [[nodiscard]] std::string jwks() const { return R"({"keys":[)" + jwk() + "]}"; }

  [[nodiscard]] std::string header(const std::string& algorithm = "EdDSA") const {
    return R"({"alg":")" + algorithm + R"(","typ":"at+jwt","kid":")" + key_id_ + "\"}";
  }

  // Claims that hold at that time; more begins with a comma or is empty.
  static std::string claims(
      std::int64_t now_unix_ms,
      const std::string& more = R"(,"scope":"openid sluice:use")",
      const std::string& audience = kTestAudience
  ) {
    return std::string(R"({"iss":")") + kTestIssuer + R"(","sub":"ada","aud":")" + audience +
           R"(","exp":)" + std::to_string(now_unix_ms / 1000 + 300) + more + "}";
  }

  [[nodiscard]] std::string sign(const std::string& header, const std::string& claims) const {
    const std::string part = to_base64url(header) + "." + to_base64url(claims);
    return part + "." + to_base64url(key_.sign(part));
  }

  [[nodiscard]] std::string token(std::int64_t now_unix_ms) const {
    return sign(header(), claims(now_unix_ms));
  }

  [[nodiscard]] const crypto::PrivateKey& key() const { return key_; }

 private:
  std::string key_id_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate();
};

// A settings text with one issuer, its members beside id, issuer and audience, and key "alice".
[[nodiscard]] std::string settings_with_issuer(const std::string& members = "");

}  // namespace sluice::policy_engine
