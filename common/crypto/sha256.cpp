// SHA-256 over OpenSSL's EVP interface.
#include "common/crypto/sha256.h"

#include "common/base/check.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

namespace sluice::crypto {
namespace {

// Fetched once: EVP_sha256() would look the implementation up again at every use (OpenSSL 3,
// crypto(7), "Performance").
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  SLUICE_CHECK(kAlgorithm != nullptr, "OpenSSL's default provider has SHA-256");
  return kAlgorithm;
}

}  // namespace

struct Sha256::Body {
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  Body() = default;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  ~Body() { EVP_MD_CTX_free(context); }
};

std::string sha256(std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  unsigned int size = 0;
  const int done = EVP_Digest(
      bytes.data(),
      bytes.size(),
      reinterpret_cast<unsigned char*>(digest.data()),
      &size,
      sha256_algorithm(),
      nullptr
  );
  SLUICE_CHECK(done == 1 && size == kSha256Bytes, "a digest in memory fails only without memory");
  return digest;
}

Sha256::Sha256() : body_(std::make_unique<Body>()) {
  SLUICE_CHECK(
      body_->context != nullptr &&
          EVP_DigestInit_ex2(body_->context, sha256_algorithm(), nullptr) == 1,
      "a digest in memory fails only without memory"
  );
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::string_view bytes) {
  SLUICE_CHECK(body_ != nullptr, "finish() is called once, and last");
  SLUICE_CHECK(
      EVP_DigestUpdate(body_->context, bytes.data(), bytes.size()) == 1,
      "a digest in memory fails only without memory"
  );
  return *this;
}

Sha256& Sha256::field(std::string_view bytes) {
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>((std::uint64_t{bytes.size()} >> (56 - 8 * i)) & 0xFF);
  }
  update({length.data(), length.size()});
  return update(bytes);
}

std::string Sha256::finish() {
  SLUICE_CHECK(body_ != nullptr, "finish() is called once");
  std::string digest(kSha256Bytes, '\0');
  unsigned int size = 0;
  const int done =
      EVP_DigestFinal_ex(body_->context, reinterpret_cast<unsigned char*>(digest.data()), &size);
  SLUICE_CHECK(done == 1 && size == kSha256Bytes, "a digest in memory fails only without memory");
  body_.reset();
  return digest;
}

}  // namespace sluice::crypto
