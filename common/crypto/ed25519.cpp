// Ed25519 over OpenSSL's EVP interface. The errors OpenSSL queues are cleared here and never shown:
// they may quote input.
#include "common/crypto/ed25519.h"

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/crypto/sha256.h"
#include "common/crypto/verify.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace sluice::crypto {
namespace {

constexpr std::size_t kRawKeyBytes = 32;     // RFC 8032 §5.1.5
constexpr std::size_t kSignatureBytes = 64;  // RFC 8032 §5.1.6
constexpr std::size_t kKeyIdDigits = 16;
constexpr std::size_t kPemBytesMax = 4096;  // an Ed25519 key in PEM has about 120 bytes

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::shared_ptr<void> owned(EVP_PKEY* key) {
  return {key, [](void* pointer) { EVP_PKEY_free(static_cast<EVP_PKEY*>(pointer)); }};
}

EVP_PKEY* raw_pointer(const std::shared_ptr<void>& key) {
  SLUICE_CHECK(key != nullptr, "a key comes from a factory; a moved-from one is not used");
  return static_cast<EVP_PKEY*>(key.get());
}

const unsigned char* as_unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* as_unsigned(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

std::string raw_public(EVP_PKEY* key) {
  std::string bytes(kRawKeyBytes, '\0');
  std::size_t size = bytes.size();
  SLUICE_CHECK(
      EVP_PKEY_get_raw_public_key(key, as_unsigned(bytes), &size) == 1 && size == kRawKeyBytes,
      "every Ed25519 key has its public half"
  );
  return bytes;
}

Bio memory_reader(std::string_view bytes) {
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), &BIO_free);
  SLUICE_CHECK(bio != nullptr, "fails only without memory");
  return bio;
}

std::string content(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// OpenSSL would ask a terminal for the passphrase of an encrypted key; this answers "none".
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const Error invalid(
      Code::Invalid, "not an Ed25519 public key in PEM: give the file made by the init step"
  );
  if (pem.size() > kPemBytesMax) {
    return invalid;
  }
  const Bio bio = memory_reader(pem);
  std::shared_ptr<void> key =
      owned(PEM_read_bio_PUBKEY(bio.get(), nullptr, &no_passphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr || EVP_PKEY_get_id(raw_pointer(key)) != EVP_PKEY_ED25519) {
    return invalid;
  }
  return from_raw(raw_public(raw_pointer(key)));
}

Result<PublicKey> PublicKey::from_raw(std::string_view bytes) {
  if (bytes.size() != kRawKeyBytes) {
    return Error(Code::Invalid, "an Ed25519 public key has 32 bytes");
  }
  PublicKey key;
  key.key_ =
      owned(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_unsigned(bytes), bytes.size())
      );
  ERR_clear_error();
  if (key.key_ == nullptr) {
    return Error(Code::Invalid, "not an Ed25519 public key");
  }
  key.id_ = to_hex(sha256(bytes)).substr(0, kKeyIdDigits);
  return key;
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) {
    return false;
  }
  return is_signature_of(raw_pointer(key_), nullptr, message, signature);
}

std::string PublicKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  SLUICE_CHECK(
      bio != nullptr && PEM_write_bio_PUBKEY(bio.get(), raw_pointer(key_)) == 1,
      "writing to memory fails only without memory"
  );
  return content(bio);
}

std::string PublicKey::raw() const {
  return raw_public(raw_pointer(key_));
}

PrivateKey PrivateKey::generate() {
  PrivateKey key;
  key.key_ = owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  SLUICE_CHECK(key.key_ != nullptr, "the operating system's generator works");
  return key;
}

Result<PrivateKey> PrivateKey::from_pem(const Secret<std::string>& pem) {
  const Error invalid(
      Code::Invalid,
      "not an unencrypted Ed25519 private key in PEM: give the file made by the init step"
  );
  if (pem.reveal().size() > kPemBytesMax) {
    return invalid;
  }
  const Bio bio = memory_reader(pem.reveal());
  PrivateKey key;
  key.key_ = owned(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
  ERR_clear_error();
  if (key.key_ == nullptr || EVP_PKEY_get_id(raw_pointer(key.key_)) != EVP_PKEY_ED25519) {
    return invalid;
  }
  return key;
}

std::string PrivateKey::sign(std::string_view message) const {
  const DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  SLUICE_CHECK(
      context != nullptr &&
          EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, raw_pointer(key_)) == 1 &&
          EVP_DigestSign(
              context.get(), as_unsigned(signature), &size, as_unsigned(message), message.size()
          ) == 1 &&
          size == kSignatureBytes,
      "signing in memory fails only without memory"
  );
  return signature;
}

PublicKey PrivateKey::public_key() const {
  auto key = PublicKey::from_raw(raw_public(raw_pointer(key_)));
  return std::move(key).value();
}

Secret<std::string> PrivateKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()), &BIO_free);
  SLUICE_CHECK(
      bio != nullptr && PEM_write_bio_PrivateKey(
                            bio.get(), raw_pointer(key_), nullptr, nullptr, 0, nullptr, nullptr
                        ) == 1,
      "writing to memory fails only without memory"
  );
  return Secret<std::string>(content(bio));
}

}  // namespace sluice::crypto
