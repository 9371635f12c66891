#include "common/base/secret.h"

#include <string.h>

namespace sluice {

void wipe(std::string& bytes) noexcept {
  explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace sluice
