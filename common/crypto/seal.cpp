#include "common/crypto/seal.h"

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/crypto/random.h"

#include <openssl/evp.h>

#include <limits>
#include <memory>

namespace sluice::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kVersion = '\x01';

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

int length_of(std::string_view text) {
  SLUICE_CHECK(
      text.size() <= std::numeric_limits<int>::max(), "sealed bytes are bounded by the caller"
  );
  return static_cast<int>(text.size());
}

}  // namespace

Result<SealingKey> SealingKey::from_hex(const Secret<std::string>& hex) {
  auto bytes = sluice::from_hex(hex.reveal());
  if (!bytes.ok() || bytes.value().size() != kKeyBytes) {
    return Error(
        Code::Invalid, "a sealing key is 64 hexadecimal digits; make one with: openssl rand -hex 32"
    );
  }
  return SealingKey(Secret<std::string>(std::move(bytes).value()));
}

std::string SealingKey::seal(std::string_view plain, std::string_view context) const {
  const std::string nonce = random_bytes(kNonceBytes);
  std::string out(1 + kNonceBytes + plain.size() + kTagBytes, '\0');
  out[0] = kVersion;
  out.replace(1, kNonceBytes, nonce);
  unsigned char* const body = bytes_of(out) + 1 + kNonceBytes;
  int written = 0;
  int rest = 0;
  const Context cipher(EVP_CIPHER_CTX_new());
  const bool ok =
      cipher != nullptr &&
      EVP_EncryptInit_ex(
          cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.reveal()), bytes_of(nonce)
      ) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &written, bytes_of(context), length_of(context)) ==
          1 &&
      EVP_EncryptUpdate(cipher.get(), body, &written, bytes_of(plain), length_of(plain)) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + written, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + plain.size()) == 1;
  SLUICE_CHECK(ok, "AES-256-GCM encrypts any input");
  return out;
}

Result<std::string> SealingKey::open(std::string_view sealed, std::string_view context) const {
  const Error refused(Code::Invalid, "sealed bytes cannot be opened with this key");
  if (sealed.size() < 1 + kNonceBytes + kTagBytes || sealed[0] != kVersion) {
    return refused;
  }
  const std::string_view nonce = sealed.substr(1, kNonceBytes);
  const std::string_view body =
      sealed.substr(1 + kNonceBytes, sealed.size() - 1 - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(body.size(), '\0');
  int written = 0;
  int rest = 0;
  const Context cipher(EVP_CIPHER_CTX_new());
  const bool ok =
      cipher != nullptr &&
      EVP_DecryptInit_ex(
          cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.reveal()), bytes_of(nonce)
      ) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &written, bytes_of(context), length_of(context)) ==
          1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &written, bytes_of(body), length_of(body)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + written, &rest) == 1;
  if (!ok) {
    wipe(plain);
    return refused;
  }
  return plain;
}

}  // namespace sluice::crypto
