// Ed25519 signatures (RFC 8032). Keys in files are PEM (PKCS#8 / SubjectPublicKeyInfo).
#pragma once

#include "common/base/result.h"
#include "common/base/secret.h"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::crypto {

class PublicKey {
 public:
  // Errors: Invalid.
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);
  [[nodiscard]] static Result<PublicKey> from_raw(std::string_view bytes);  // 32 bytes

  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

  [[nodiscard]] const std::string& id() const {
    return id_;
  }  // first 16 hex digits of SHA-256 of the raw key

  [[nodiscard]] std::string to_pem() const;
  [[nodiscard]] std::string raw() const;

 private:
  std::shared_ptr<void> key_;
  std::string id_;
};

class PrivateKey {
 public:
  [[nodiscard]] static PrivateKey generate();
  [[nodiscard]] static Result<PrivateKey> from_pem(const Secret<std::string>& pem);

  [[nodiscard]] std::string sign(std::string_view message) const;  // 64 bytes
  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] Secret<std::string> to_pem() const;

 private:
  std::shared_ptr<void> key_;
};

}  // namespace sluice::crypto
