#include "common/crypto/hmac.h"

#include "common/base/check.h"
#include "common/crypto/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace sluice::crypto {

std::string hmac_sha256(const Secret<std::string>& key, std::string_view message) {
  std::string code(kSha256Bytes, '\0');
  unsigned int size = 0;
  const unsigned char* const done = HMAC(
      EVP_sha256(),
      key.reveal().data(),
      static_cast<int>(key.reveal().size()),
      reinterpret_cast<const unsigned char*>(message.data()),
      message.size(),
      reinterpret_cast<unsigned char*>(code.data()),
      &size
  );
  SLUICE_CHECK(
      done != nullptr && size == kSha256Bytes, "a code in memory fails only without memory"
  );
  return code;
}

}  // namespace sluice::crypto
