// Over OpenSSL's EVP interface. The errors OpenSSL queues are cleared here and never shown.
#include "common/crypto/jws_key.h"

#include "common/base/check.h"
#include "common/crypto/verify.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <array>
#include <string>
#include <utility>

namespace sluice::crypto {
namespace {

constexpr std::size_t kRsaBytesMin = 2048 / 8;  // RFC 7518 section 3.3
constexpr std::size_t kRsaBytesMax = 8192 / 8;  // ours: verifying costs the square of it
constexpr std::size_t kExponentBytesMax = 4;    // 65537 has three
constexpr std::size_t kP256Bytes = 32;          // RFC 7518 section 3.4
constexpr std::size_t kEd25519Bytes = 32;       // RFC 8032 section 5.1.5
constexpr std::size_t kEd25519SignatureBytes = 64;

struct Algorithm {
  JwsAlgorithm algorithm;
  std::string_view name;
};

constexpr std::array kAlgorithms{
    Algorithm{JwsAlgorithm::Rs256, "RS256"},
    Algorithm{JwsAlgorithm::Es256, "ES256"},
    Algorithm{JwsAlgorithm::EdDsa, "EdDSA"},
};

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;
using Params = std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;

const unsigned char* as_unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number_of(std::string_view bytes) {
  Number number(BN_bin2bn(as_unsigned(bytes), static_cast<int>(bytes.size()), nullptr), &BN_free);
  SLUICE_CHECK(number != nullptr, "fails only without memory");
  return number;
}

std::string_view without_zeros(std::string_view bytes) {
  const auto first = bytes.find_first_not_of('\0');
  return first == std::string_view::npos ? std::string_view() : bytes.substr(first);
}

// nullptr when OpenSSL takes no such key.
std::shared_ptr<void> key_of(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder), &OSSL_PARAM_free);
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), &EVP_PKEY_CTX_free);
  SLUICE_CHECK(params != nullptr && context != nullptr, "fails only without memory");
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) == 1) {
    static_cast<void>(EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()));
  }
  std::shared_ptr<void> key(made, [](void* one) { EVP_PKEY_free(static_cast<EVP_PKEY*>(one)); });
  if (made != nullptr) {
    const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr), &EVP_PKEY_CTX_free);
    if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
      key = nullptr;
    }
  }
  ERR_clear_error();
  return key;
}

// The two halves that JWS has, as the DER that OpenSSL wants.
std::string der_of(std::string_view signature) {
  const EcdsaSignature pair(ECDSA_SIG_new(), &ECDSA_SIG_free);
  SLUICE_CHECK(pair != nullptr, "fails only without memory");
  const int taken = ECDSA_SIG_set0(
      pair.get(),
      number_of(signature.substr(0, kP256Bytes)).release(),
      number_of(signature.substr(kP256Bytes)).release()
  );
  SLUICE_CHECK(taken == 1, "both numbers are there");
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &bytes);
  SLUICE_CHECK(size > 0, "fails only without memory");
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace

std::optional<JwsAlgorithm> jws_algorithm_named(std::string_view name) {
  for (const Algorithm& one : kAlgorithms) {
    if (one.name == name) {
      return one.algorithm;
    }
  }
  return std::nullopt;
}

std::string_view name_of(JwsAlgorithm algorithm) {
  for (const Algorithm& one : kAlgorithms) {
    if (one.algorithm == algorithm) {
      return one.name;
    }
  }
  return {};
}

Result<JwsKey> JwsKey::rsa(std::string_view modulus, std::string_view exponent) {
  const std::string_view n = without_zeros(modulus);
  const std::string_view e = without_zeros(exponent);
  // The first byte of a key of exactly 2,048 bits has its highest bit set.
  const bool long_enough =
      n.size() > kRsaBytesMin || (n.size() == kRsaBytesMin && (as_unsigned(n)[0] & 0x80U) != 0);
  const bool odd = !e.empty() && (as_unsigned(e)[e.size() - 1] & 1U) != 0 && e != "\x01";
  if (!long_enough || n.size() > kRsaBytesMax || !odd || e.size() > kExponentBytesMax) {
    return Error(Code::Invalid, "not an RSA key of 2048 to 8192 bits with a usual exponent");
  }
  const Number n_number = number_of(n);
  const Number e_number = number_of(e);
  const Builder builder(OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  SLUICE_CHECK(
      builder != nullptr &&
          OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n_number.get()) == 1 &&
          OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e_number.get()) == 1,
      "fails only without memory"
  );
  auto key = key_of("RSA", builder.get());
  if (key == nullptr) {
    return Error(Code::Invalid, "not an RSA public key");
  }
  return JwsKey(JwsAlgorithm::Rs256, std::move(key));
}

Result<JwsKey> JwsKey::p256(std::string_view x, std::string_view y) {
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) {
    return Error(Code::Invalid, "coordinates of a P-256 key have 32 bytes each");
  }
  std::string point = "\x04";  // uncompressed
  point.append(x).append(y);
  const Builder builder(OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  SLUICE_CHECK(
      builder != nullptr &&
          OSSL_PARAM_BLD_push_utf8_string(
              builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0
          ) == 1 &&
          OSSL_PARAM_BLD_push_octet_string(
              builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()
          ) == 1,
      "fails only without memory"
  );
  auto key = key_of("EC", builder.get());
  if (key == nullptr) {
    return Error(Code::Invalid, "not a point of P-256");
  }
  return JwsKey(JwsAlgorithm::Es256, std::move(key));
}

Result<JwsKey> JwsKey::ed25519(std::string_view x) {
  if (x.size() != kEd25519Bytes) {
    return Error(Code::Invalid, "an Ed25519 public key has 32 bytes");
  }
  std::shared_ptr<void> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_unsigned(x), x.size()),
      [](void* one) { EVP_PKEY_free(static_cast<EVP_PKEY*>(one)); }
  );
  ERR_clear_error();
  if (key == nullptr) {
    return Error(Code::Invalid, "not an Ed25519 public key");
  }
  return JwsKey(JwsAlgorithm::EdDsa, std::move(key));
}

bool JwsKey::verify(std::string_view message, std::string_view signature) const {
  auto* const key = static_cast<EVP_PKEY*>(key_.get());
  SLUICE_CHECK(key != nullptr, "a key comes from a factory; a moved-from one is not used");
  std::size_t size = kEd25519SignatureBytes;
  if (algorithm_ == JwsAlgorithm::Rs256) {
    size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  } else if (algorithm_ == JwsAlgorithm::Es256) {
    size = 2 * kP256Bytes;
  }
  if (signature.size() != size) {
    return false;
  }
  std::string der;
  if (algorithm_ == JwsAlgorithm::Es256) {
    der = der_of(signature);
    signature = der;
  }
  const EVP_MD* const digest = algorithm_ == JwsAlgorithm::EdDsa ? nullptr : EVP_sha256();
  return is_signature_of(key, digest, message, signature);
}

}  // namespace sluice::crypto
