// No bytes but a signed grant or token verify.
#include "common/grant/grant.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sluice::grant::KeyRing keys = [] {
    sluice::grant::KeyRing ring;
    ring.add(sluice::crypto::PrivateKey::generate().public_key());
    return ring;
  }();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SLUICE_CHECK(!sluice::grant::verify_grant(keys, bytes, 0).ok(), "nobody signed this");
  SLUICE_CHECK(!sluice::grant::verify_token(keys, bytes, 0).ok(), "nobody signed this");
  return 0;
}
