// No bytes but a signed grant or token verify.
#include "common/grant/grant.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static const grant::KeyRing keys = [] {
    grant::KeyRing ring;
    ring.add(crypto::PrivateKey::generate().public_key());
    return ring;
  }();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SLUICE_CHECK(!grant::verify_grant(keys, bytes, 0).ok(), "nobody signed this");
  SLUICE_CHECK(!grant::verify_token(keys, bytes, 0).ok(), "nobody signed this");
  return 0;
}
