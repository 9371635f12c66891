#include "common/crypto/verify.h"

#include "common/base/check.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

namespace sluice::crypto {

bool is_signature_of(
    evp_pkey_st* key, const evp_md_st* digest, std::string_view message, std::string_view signature
) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free
  );
  SLUICE_CHECK(context != nullptr, "fails only without memory");
  const bool good = EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
                    EVP_DigestVerify(
                        context.get(),
                        reinterpret_cast<const unsigned char*>(signature.data()),
                        signature.size(),
                        reinterpret_cast<const unsigned char*>(message.data()),
                        message.size()
                    ) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace sluice::crypto
